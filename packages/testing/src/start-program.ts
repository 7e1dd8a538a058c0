import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface StartProgramOptions {
  readonly args?: readonly string[];
  /** On top of this process's own; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Command that becomes the program, such as `ip netns exec NAME`. */
  readonly through?: readonly string[];
}

/** Killed with SIGKILL on disposal, if it still runs. */
export interface StartedProgram extends AsyncDisposable {
  readonly pid: number;
  /** The first line it wrote to stdout. */
  readonly line: string;
  /** Resolves when the process has ended. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

/**
 * Runs a TypeScript file in a process of its own, with sources for packages, and waits for its first line.
 * @throws Error if it ends before it has written one
 */
export async function startProgram(
  path: string,
  { args = [], env = {}, through = [] }: StartProgramOptions = {},
): Promise<StartedProgram> {
  const [program, ...rest] = [...through, process.execPath, "--conditions=@nex/source", path, ...args];
  const child = spawn(program!, rest, {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
  });
  const exited = new Promise<void>((resolve) => void child.once("exit", () => resolve()));
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  const [line] = (await Promise.race([
    once(createInterface(child.stdout), "line"),
    exited.then(() => {
      throw new Error(`${path} ended without a word.`);
    }),
  ])) as [string];
  return { pid: child.pid!, line, kill, [Symbol.asyncDispose]: async () => await kill("SIGKILL") };
}
