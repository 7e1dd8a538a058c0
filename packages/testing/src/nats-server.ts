import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { natsServerProgram } from "./programs.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { waitFor } from "./wait-for.ts";

export interface TestNatsOptions {
  /** Default: a random free one. */
  readonly port?: number;
  /** Default false. */
  readonly jetstream?: boolean;
  /** More of the server's configuration, in its own language. */
  readonly config?: string;
  /** One user or one token for everybody. */
  readonly auth?: { readonly user: string; readonly password: string } | { readonly token: string };
}

export interface TestNats extends AsyncDisposable {
  /** `nats://127.0.0.1:port`, without credentials. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

const GRACE_MS = 3_000;
const SETPRIV = "/usr/bin/setpriv";

/** A nats-server of its own on a random port of 127.0.0.1. It dies with the calling process, however that ends. */
export async function startNatsServer(options: TestNatsOptions = {}): Promise<TestNats> {
  const program = natsServerProgram();
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory("nex-test-nats-"));
  const configFile = join(directory.path, "server.conf");
  await writeFile(configFile, configuration(options, directory.path));

  const command = [
    program,
    "--config",
    configFile,
    "--addr",
    "127.0.0.1",
    "--port",
    String(options.port ?? -1),
    "--ports_file_dir",
    directory.path,
  ];
  if (process.platform === "linux" && existsSync(SETPRIV)) command.unshift(SETPRIV, "--pdeathsig", "KILL", "--");
  const [file = program, ...args] = command;
  const child = spawn(file, args, { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log = (log + text).slice(-8_192)));
  await once(child, "spawn");
  stack.defer(() => end(child));

  const pid = child.pid ?? 0;
  const portsFile = join(directory.path, `${basename(program)}_${pid}.ports`);
  const port = await waitFor(
    async () => {
      if (child.exitCode !== null || child.signalCode !== null) return -1;
      const { nats = [] } = JSON.parse(await readFile(portsFile, "utf8")) as { nats?: string[] };
      const listening = Number(new URL(nats[0] ?? "").port);
      await greeting(listening);
      return listening;
    },
    { message: "nats-server to answer" },
  );
  if (port === -1) throw new Error(`nats-server ended instead of starting:\n${log}`);

  const owned = stack.move();
  const stop = (): Promise<void> => owned.disposeAsync();
  return { url: `nats://127.0.0.1:${port}`, port, pid, stop, [Symbol.asyncDispose]: stop };
}

function configuration({ jetstream, config, auth }: TestNatsOptions, directory: string): string {
  const parts: string[] = [];
  if (jetstream === true) parts.push(`jetstream { store_dir: ${JSON.stringify(directory)} }`);
  if (auth !== undefined) parts.push(`authorization ${JSON.stringify(auth)}`);
  if (config !== undefined) parts.push(config);
  return `${parts.join("\n")}\n`;
}

/** A NATS server speaks first. */
async function greeting(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  try {
    const [data] = (await once(socket, "data", { signal: AbortSignal.timeout(2_000) })) as [Buffer];
    if (!data.toString("latin1").startsWith("INFO ")) throw new Error("This is no NATS server.");
  } finally {
    socket.on("error", () => {}).destroy();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timer = new AbortController();
  const late = sleep(GRACE_MS, "late", { signal: timer.signal }).catch(() => "");
  if ((await Promise.race([exited, late])) === "late") child.kill("SIGKILL");
  timer.abort();
  await exited;
}
