import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const NEX = fileURLToPath(new URL("../../../packages/cli/bin/nex.js", import.meta.url));

/** Time the node gets to end in order, ms. */
const GRACE_MS = 15_000;

export interface NatsLogin {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

/** The `nex` command, with a home of its own that is gone afterwards: nothing of the user's is read or changed. */
export class NexCli implements AsyncDisposable {
  readonly #home: string;
  #node: ChildProcess | undefined;

  private constructor(home: string) {
    this.#home = home;
  }

  static async open(): Promise<NexCli> {
    return new NexCli(await mkdtemp(join(tmpdir(), "nex-demo-")));
  }

  /** `nex up` in the background. Resolves with what it says when it is ready. */
  async up(...args: string[]): Promise<Record<string, unknown>> {
    const node = this.#spawn(["up", ...args, "--json"]);
    this.#node = node;
    const complaints = text(node.stderr!);
    for await (const line of createInterface({ input: node.stdout! }))
      return JSON.parse(line) as Record<string, unknown>;
    throw new Error(`nex up ended before it was ready:\n${await complaints}`);
  }

  /** Any other command, to its end. Its output is JSON. */
  async run(...args: string[]): Promise<Record<string, unknown>> {
    const child = this.#spawn([...args, "--json"]);
    const [output, complaints, [code]] = await Promise.all([
      text(child.stdout!),
      text(child.stderr!),
      once(child, "exit"),
    ]);
    if (code !== 0) throw new Error(`nex ${args.join(" ")} ended with ${String(code)}:\n${complaints}`);
    return JSON.parse(output) as Record<string, unknown>;
  }

  /** What `nex up` left for other programs to connect with. */
  async login(): Promise<NatsLogin> {
    return JSON.parse(await readFile(join(this.#home, "config/nats/context/nex-embedded.json"), "utf8")) as NatsLogin;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const node = this.#node;
    if (node !== undefined && node.exitCode === null) {
      const ended = once(node, "exit");
      node.kill("SIGTERM");
      const late = setTimeout(() => node.kill("SIGKILL"), GRACE_MS);
      await ended;
      clearTimeout(late);
    }
    await rm(this.#home, { recursive: true, force: true });
  }

  #spawn(args: readonly string[]): ChildProcess {
    const { PATH } = process.env;
    const directories = { XDG_CONFIG_HOME: "config", XDG_STATE_HOME: "state", XDG_CACHE_HOME: "cache" };
    const env = Object.fromEntries(
      Object.entries(directories).map(([name, directory]) => [name, join(this.#home, directory)]),
    );
    const { NEX_NATS_SERVER, TMPDIR } = process.env;
    return spawn(process.execPath, [NEX, ...args], {
      env: {
        PATH,
        HOME: this.#home,
        ...env,
        ...(NEX_NATS_SERVER === undefined ? {} : { NEX_NATS_SERVER }),
        ...(TMPDIR === undefined ? {} : { TMPDIR }),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }
}
