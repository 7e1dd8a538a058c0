import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { temporaryDirectory } from "@nex/testing";
import { buildCli, LAUNCHER, nex, type Ran } from "./built-cli.ts";

export interface NodeReady {
  readonly type: "node_ready";
  readonly node_id: string;
  readonly server: string;
  readonly sandbox: string;
  readonly pid: number;
}

/** A `nex up` of its own home, and the `nex` command in that home. */
export interface RunningNode extends AsyncDisposable {
  readonly ready: NodeReady;
  /** Working directory of the commands. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  nex(...args: string[]): Promise<Ran>;
  /** Standard output as JSON; the command must succeed. */
  json<T>(...args: string[]): Promise<T>;
  /** SIGTERM. @returns the exit code */
  stop(): Promise<number | null>;
  /** Ends the node by a signal, and starts it again in the same home. `between` happens while it is down. */
  restart(signal: "SIGTERM" | "SIGINT" | "SIGKILL", between?: () => Promise<void>): Promise<void>;
}

export async function runningNode(...args: string[]): Promise<RunningNode> {
  return await runningNodeIn({}, ...args);
}

/** @param variables more of the environment of the node and of its commands */
export async function runningNodeIn(
  variables: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<RunningNode> {
  buildCli();
  const home = await temporaryDirectory("nex-home-");
  const env = {
    HOME: home.path,
    XDG_CONFIG_HOME: join(home.path, "config"),
    XDG_STATE_HOME: join(home.path, "state"),
    XDG_CACHE_HOME: join(home.path, "cache"),
    TMPDIR: process.env["TMPDIR"] ?? "/tmp",
    ...variables,
  };
  let started = await startNode(home.path, env, args).catch(async (error: unknown) => {
    await home[Symbol.asyncDispose]();
    throw error;
  });
  const run = async (...line: string[]): Promise<Ran> => await nex(line, { env, cwd: home.path });
  return {
    get ready() {
      return started.ready;
    },
    directory: home.path,
    env,
    nex: run,
    json: async <T>(...line: string[]) => {
      const ran = await run(...line, "--json");
      if (ran.exit !== 0) throw new Error(`nex ${line.join(" ")} ended with ${ran.exit}: ${ran.stderr}`);
      return JSON.parse(ran.stdout) as T;
    },
    stop: async () => await started.end("SIGTERM"),
    restart: async (signal, between) => {
      await started.end(signal);
      await between?.();
      started = await startNode(home.path, env, args);
    },
    [Symbol.asyncDispose]: async () => {
      await started.end("SIGTERM");
      await home[Symbol.asyncDispose]();
    },
  };
}

interface StartedNode {
  readonly ready: NodeReady;
  end(signal: NodeJS.Signals): Promise<number | null>;
}

async function startNode(cwd: string, env: Readonly<Record<string, string>>, args: string[]): Promise<StartedNode> {
  const child = spawn(process.execPath, [LAUNCHER, "up", "--json", ...args], {
    cwd,
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "exit") as Promise<[number | null]>;
  const ready = await firstLine(child);
  return {
    ready,
    end: async (signal) => {
      // The launcher hands on what can be caught; the node itself is another process.
      if (child.exitCode === null) process.kill(signal === "SIGKILL" ? ready.pid : child.pid!, signal);
      return (await ended)[0];
    },
  };
}

async function firstLine(child: ChildProcess): Promise<NodeReady> {
  let complaints = "";
  child.stderr!.on("data", (text: Buffer) => (complaints += text.toString()));
  for await (const line of createInterface({ input: child.stdout! })) return JSON.parse(line) as NodeReady;
  throw new Error(`nex up ended before it was ready: ${complaints}`);
}
