import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface StartedProgram extends AsyncDisposable {
  readonly child: ChildProcess;
  /** The first line it wrote to stdout. */
  readonly line: string;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** Runs one of ./fixtures in a process of its own and waits for its first line. */
export async function startProgram(name: string, argument: string): Promise<StartedProgram> {
  const path = fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
  const child = spawn(process.execPath, ["--conditions=@nex/source", path, argument], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = new Promise<void>((resolve) => void child.once("exit", () => resolve()));
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  const [line] = (await Promise.race([
    once(createInterface(child.stdout), "line"),
    exited.then(() => {
      throw new Error(`${name} ended without a word.`);
    }),
  ])) as [string];
  return { child, line, kill, [Symbol.asyncDispose]: async () => await kill("SIGKILL") };
}
