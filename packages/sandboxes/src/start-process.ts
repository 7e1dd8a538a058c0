import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { NexError } from "@nex/protocol";

/**
 * Starts a program of a sandbox. `spawn` tells in three ways that it could not: it throws (`ENOMEM`), it gives a child
 * without streams (`EMFILE`), or one that reports it later (`EAGAIN`, `ENOENT`), which ends the node where nobody listens.
 * Here it is a failed start and no more.
 *
 * @throws NexError `sandbox_failed`
 */
export async function startProcess(
  program: string,
  args: readonly string[],
  options: SpawnOptions,
): Promise<ChildProcess> {
  try {
    const child = spawn(program, args, options);
    await once(child, "spawn");
    // A signal that cannot be sent, or a pipe of its messages: whoever needs the child to do something looks whether it did.
    child.on("error", () => undefined);
    return child;
  } catch (cause) {
    throw notStarted(program, cause as NodeJS.ErrnoException);
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  EMFILE: "The node has as many files open as it may: raise its limit (ulimit -n, or LimitNOFILE of its unit).",
  ENFILE: "This machine has as many files open as it may (fs.file-max).",
  EAGAIN: "No more processes may be started here: raise the limit (ulimit -u, TasksMax of the unit, kernel.pid_max).",
  ENOMEM: "This machine has too little memory left.",
};

function notStarted(program: string, cause: NodeJS.ErrnoException): NexError {
  const remedy = REMEDIES[cause.code ?? ""];
  const why = remedy === undefined ? `${cause.message}.` : `${cause.code}. ${remedy}`;
  return new NexError("sandbox_failed", `${program} cannot be started: ${why}`, {
    cause,
    data: { program, ...(cause.code === undefined ? {} : { errno: cause.code }) },
  });
}
