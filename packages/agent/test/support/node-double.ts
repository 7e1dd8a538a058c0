import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { Writable } from "node:stream";
import {
  artifact,
  callMethod,
  decode,
  decodeReply,
  deploy,
  type DeployOrder,
  type DeployReply,
  encodeTriggerHead,
  EVENT_CODE,
  type HeaderList,
  hello,
  type Hello,
  type IncomingCall,
  Link,
  LINK_VERSION,
  type LinkLogRecord,
  logBatch,
  LOGS_CODE,
  runnerToken,
  serveMethod,
  servicesToken,
  TRIGGER_CODE,
  tunnel,
  workloadEvent,
  type WorkloadEvent,
} from "@nex/link";
import { agentPrograms, childrenOf, temporaryDirectory, type TemporaryDirectory, waitFor } from "@nex/testing";

const SETPRIV = "/usr/bin/setpriv";

export interface NodeDoubleOptions {
  /** What the node says its link's version is. */
  readonly version?: string;
  readonly maxPayload?: number;
  /** Throws to refuse a hello. */
  readonly onHello?: (greeting: Hello) => void;
  /** What the agent finds on its metadata descriptor instead of the right document. */
  readonly metadata?: string;
  /** How often a runner's cancel may go unanswered, ms. */
  readonly unresponsiveMs?: number;
  readonly onUnresponsive?: () => void;
  /** Answers the agent's calls for tunnels. Default: there are none. */
  readonly onTunnel?: (destination: string, call: IncomingCall) => Promise<void>;
}

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface TriggerReply {
  readonly payload: Buffer;
  readonly headers: HeaderList;
  readonly text: string;
}

/** Plays the node for one real agent: its sandbox is a plain child process, its link a real one. */
export class NodeDouble implements AsyncDisposable {
  readonly hellos: Hello[] = [];
  readonly runners: Link[] = [];
  readonly events: WorkloadEvent[] = [];
  readonly logs: LinkLogRecord[] = [];
  dropped = 0;
  /** The agent's own output, and what the agents and runners said in goodbye. */
  output = "";
  /** The hosts file of the agent's sandbox. */
  readonly hostsFile: string;
  /** Bytes the agent pulls as its artifact. */
  artifact: Buffer = Buffer.alloc(0);
  readonly ended: Promise<Ended>;
  readonly #agent: PromiseWithResolvers<Link> = Promise.withResolvers();
  readonly #links: Set<Link> = new Set();
  readonly #options: NodeDoubleOptions;
  readonly #directory: TemporaryDirectory;
  readonly #server: Server;
  readonly #child: ChildProcess;
  #runnerTokens = 0;
  #servicesTokens = 0;

  private constructor(options: NodeDoubleOptions, directory: TemporaryDirectory, server: Server, child: ChildProcess) {
    this.#options = options;
    this.#directory = directory;
    this.#server = server;
    this.#child = child;
    this.hostsFile = hostsFileIn(directory);
    this.#agent.promise.catch(() => undefined);
    this.ended = once(child, "exit").then(([exitCode, signal]): Ended => ({ exitCode, signal }));
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => (this.output += chunk.toString()));
    server.on("connection", (socket) => this.#meet(socket));
  }

  /** Starts an agent; does not wait for it. */
  static async begin(options: NodeDoubleOptions = {}): Promise<NodeDouble> {
    const directory = await temporaryDirectory("nex-agent-");
    const socketPath = join(directory.path, "node.sock");
    const work = join(directory.path, "work");
    mkdirSync(work);
    const server = createServer().listen(socketPath);
    await once(server, "listening");
    const programs = agentPrograms();
    const command = [
      process.execPath,
      programs.agent,
      "--runner",
      programs.runner,
      "--directory",
      work,
      "--hosts",
      hostsFileIn(directory),
    ];
    // As a node does: the agent must not outlive who started it. The variable must not reach the function.
    if (existsSync(SETPRIV)) command.unshift(SETPRIV, "--pdeathsig", "KILL", "--");
    const child = spawn(command[0]!, command.slice(1), {
      cwd: work,
      env: { INHERITED: "from the node" },
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    const metadata = child.stdio[3] as Writable;
    metadata.on("error", () => undefined);
    metadata.end(
      options.metadata ?? JSON.stringify({ agent_id: "test", link: `unix:${socketPath}`, token: "agent-token" }),
    );
    return new NodeDouble(options, directory, server, child);
  }

  /** Starts an agent and waits until it is idle with a runner ready. */
  static async start(options: NodeDoubleOptions = {}): Promise<NodeDouble> {
    const node = await NodeDouble.begin(options);
    try {
      await node.event("runner_ready");
      return node;
    } catch (error) {
      await node[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts an agent that runs this function. */
  static async run(
    source: string | Buffer,
    order: Partial<DeployOrder> = {},
    options: NodeDoubleOptions = {},
  ): Promise<NodeDouble> {
    const node = await NodeDouble.start(options);
    try {
      await node.deploy(source, order);
      return node;
    } catch (error) {
      await node[Symbol.asyncDispose]();
      throw error;
    }
  }

  get agentPid(): number {
    return this.#child.pid!;
  }

  get runnerPids(): number[] {
    return childrenOf(this.agentPid);
  }

  get agent(): Promise<Link> {
    return this.#agent.promise;
  }

  /** The runner that said hello last. */
  get runner(): Link {
    return this.runners.at(-1)!;
  }

  async deploy(source: string | Buffer, order: Partial<DeployOrder> = {}): Promise<DeployReply> {
    this.artifact = Buffer.from(source);
    const complete: DeployOrder = {
      namespace: "default",
      name: "fn",
      revision: 1,
      kind: "javascript",
      sha256: createHash("sha256").update(this.artifact).digest("hex"),
      size: this.artifact.length,
      env: {},
      argv: [],
      triggers: ["test.*"],
      connect: [],
      ready_ms: 100,
      ...order,
    };
    return await callMethod(await this.agent, deploy, complete);
  }

  /** One message for the function. */
  async trigger(
    payload: string | Buffer = "",
    options: { subject?: string; headers?: HeaderList; pattern?: number; deadlineMs?: number } = {},
  ): Promise<TriggerReply> {
    const { subject = "test.one", headers = [], pattern = 0, deadlineMs = 10_000 } = options;
    const head = encodeTriggerHead(pattern, subject, headers);
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    this.runner.send(TRIGGER_CODE, head, Buffer.from(payload), deadlineMs, (error, body) =>
      error === undefined ? resolve(body) : reject(error),
    );
    const reply = decodeReply(await promise);
    return { ...reply, text: reply.payload.toString() };
  }

  /** The next event of this type, taken out of {@link events}. */
  async event<T extends WorkloadEvent["type"]>(type: T): Promise<Extract<WorkloadEvent, { type: T }>> {
    const found = await waitFor(
      () => this.events.find((event) => event.type === type) ?? (this.#child.exitCode === null ? undefined : "ended"),
      { message: `the event ${type}; output: ${this.output}` },
    );
    if (found === "ended") throw new Error(`The agent ended before the event ${type}: ${this.output}`);
    this.events.splice(this.events.indexOf(found), 1);
    return found as Extract<WorkloadEvent, { type: T }>;
  }

  /** The first log record whose text matches. */
  async log(text: RegExp): Promise<LinkLogRecord> {
    return await waitFor(() => this.logs.find((record) => text.test(record.text)), {
      message: `the log record ${text} among ${JSON.stringify(this.logs.slice(-5))}`,
    });
  }

  closeLinks(): void {
    for (const link of this.#links) link.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const runners = this.runnerPids;
    this.closeLinks();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 3000);
    await this.ended;
    clearTimeout(timer);
    this.#server.close();
    for (const pid of runners) await waitFor(() => !existsSync(`/proc/${pid}`), { message: `runner ${pid} to end` });
    await this.#directory[Symbol.asyncDispose]();
  }

  #meet(socket: Socket): void {
    const {
      version = LINK_VERSION,
      maxPayload = 1024 * 1024,
      onHello,
      unresponsiveMs = 500,
      onUnresponsive = () => undefined,
    } = this.#options;
    const link = new Link(socket, {
      admitted: false,
      helloMethod: hello.code,
      maxBody: maxPayload + 64 * 1024,
      unresponsiveMs,
      onUnresponsive,
    });
    this.#links.add(link);
    void link.closed.then(() => this.#links.delete(link));
    serveMethod(link, hello, (greeting) => {
      this.hellos.push(greeting);
      onHello?.(greeting);
      link.admit();
      if (greeting.role === "agent") this.#onAgent(link);
      else if (greeting.role === "runner") this.#onRunner(link);
      return { version, max_payload: maxPayload, invocation_prefix: `inv${this.runners.length}` };
    });
  }

  #onAgent(link: Link): void {
    serveMethod(link, runnerToken, () => ({ token: `runner-token-${++this.#runnerTokens}` }));
    serveMethod(link, servicesToken, () => ({ token: `services-token-${++this.#servicesTokens}` }));
    serveMethod(link, artifact, async (_, call) => {
      await call.stream.write(this.artifact);
      call.stream.end();
      return { size: this.artifact.length, sha256: "" };
    });
    const { onTunnel } = this.#options;
    if (onTunnel !== undefined) {
      serveMethod(link, tunnel, async ({ destination }, call) => {
        await onTunnel(destination, call);
        return null;
      });
    }
    link.handleNotify(LOGS_CODE, (body) => this.#onLogs(body));
    link.handleNotify(EVENT_CODE, (body) => void this.events.push(decode("event", workloadEvent, body)));
    this.#agent.resolve(link);
  }

  #onRunner(link: Link): void {
    this.runners.push(link);
    link.handleNotify(LOGS_CODE, (body) => this.#onLogs(body));
  }

  #onLogs(body: Buffer): void {
    const { records, dropped } = decode("logs", logBatch, body);
    this.logs.push(...records);
    this.dropped += dropped;
  }
}

function hostsFileIn({ path }: TemporaryDirectory): string {
  return join(path, "hosts");
}
