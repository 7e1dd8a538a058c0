import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { SandboxEnd } from "./sandbox.ts";

/** How a child process ends; 127 stands for one that never started. */
export async function endOf(child: ChildProcess): Promise<SandboxEnd> {
  // It may have ended already, while our copies of its descriptors were being closed.
  const { pid, exitCode: code, signalCode } = child;
  if (pid === undefined) return { exitCode: 127, signal: null };
  if (code !== null || signalCode !== null) return { exitCode: code, signal: signalCode };
  try {
    const [exitCode, signal] = (await once(child, "exit")) as [number | null, string | null];
    return { exitCode, signal };
  } catch {
    return { exitCode: 127, signal: null };
  }
}
