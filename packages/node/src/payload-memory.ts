import { setFlagsFromString } from "node:v8";

/** The flag is one that V8 tries out; another V8 may not know it, and would say so on the standard error. */
const KNOWN_IN_NODE = "26";

/**
 * Has V8 weigh the memory of payloads against the whole heap. For a program that is a node and nothing else, before it
 * starts the node: it holds for the whole process.
 *
 * Payloads lie outside V8's heap. As it comes, V8 looks through all of the heap for every so many MiB of them that have
 * come, whether they are still there or not: at 16 KiB a message that was most of a node's work, thirty times a second.
 */
export function weighPayloadsWithTheHeap(): void {
  if (process.versions.node.split(".")[0] !== KNOWN_IN_NODE) return;
  setFlagsFromString("--external-memory-accounted-in-global-limit");
}
