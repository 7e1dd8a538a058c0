import { text } from "node:stream/consumers";
import { NexError } from "@nex/protocol";
import { startProcess } from "../start-process.ts";
import { findProgram } from "@nex/system";

/** What is needed of the system besides Firecracker, and the Debian package that has it. */
export const SYSTEM_TOOLS: Readonly<Record<string, string>> = {
  ip: "iproute2",
  nft: "nftables",
  nsenter: "util-linux",
  setpriv: "util-linux",
  unshare: "util-linux",
};

/** None of these has anything to wait for. */
const LIMIT_MS = 20_000;

/** @throws NexError `missing_tool` */
export function systemTool(name: string): string {
  const found = findProgram(name);
  if (found !== undefined) return found;
  throw new NexError(
    "missing_tool",
    `The program ${name} is missing. Install it with: apt-get install ${SYSTEM_TOOLS[name] ?? name}`,
    { data: { tool: name } },
  );
}

/**
 * Runs a program to its end and gives what it printed.
 * @throws NexError `sandbox_failed` with what it said, `missing_tool`
 */
export async function runTool(name: string, args: readonly string[], input = ""): Promise<string> {
  const child = await startProcess(systemTool(name), args, {
    stdio: ["pipe", "pipe", "pipe"],
    env: {},
    timeout: LIMIT_MS,
  });
  const code = new Promise<number | string | null>((resolve) => {
    child.on("close", (exit, signal) => resolve(exit ?? signal));
  });
  child.stdin!.on("error", () => undefined).end(input);
  const [stdout, stderr, ended] = await Promise.all([text(child.stdout!), text(child.stderr!), code]);
  if (ended === 0) return stdout;
  throw new NexError(
    "sandbox_failed",
    `${name} ${args.join(" ")} failed (${ended}): ${stderr.trim() || "it said nothing"}`,
  );
}
