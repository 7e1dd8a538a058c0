import { chmod, readdir, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { encodeMessage, ExchangeKey, SigningKey } from "@nex/protocol";
import {
  agentPrograms,
  bubblewrapProgram,
  startNatsServer,
  temporaryDirectory,
  type TestNats,
  waitFor,
} from "@nex/testing";
import type { NodeOptions } from "../../../src/config/node-config.ts";
import { NexNode, type NexNodeOptions } from "../../../src/node.ts";
import { FeedRecorder } from "../../support/feed-recorder.ts";

export interface RunningNodeOptions {
  readonly config?: NodeOptions;
  /** Of the nexus to join. */
  readonly nexusKey?: string;
  /** A server to share. Default: one beside the node, with JetStream. */
  readonly nats?: TestNats;
  /** Let the node start its own. Default false. */
  readonly embedded?: boolean;
  /** More of that server's configuration. */
  readonly natsConfig?: string;
}

/** What a node answers; `error`, `code` and `details` only in refusals. */
export interface Reply {
  readonly type: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- any reply's data; the tests say what must be in them
  readonly data: any;
  readonly error?: string;
  readonly code?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** A complete node on a NATS server, and one of its clients. */
export class RunningNode implements AsyncDisposable {
  readonly node: NexNode;
  readonly client: NatsConnection;
  readonly told: FeedRecorder;
  readonly warnings: readonly string[];
  /** Holds `run` and `cache`. */
  readonly directory: string;
  readonly issuer: SigningKey = SigningKey.create("account");
  readonly sender: ExchangeKey = ExchangeKey.create();
  readonly #stack: AsyncDisposableStack;
  readonly #nats: TestNats | undefined;
  #exchangeKey: string | undefined;

  private constructor(
    parts: Pick<RunningNode, "node" | "client" | "told" | "warnings" | "directory">,
    nats: TestNats | undefined,
    stack: AsyncDisposableStack,
  ) {
    this.node = parts.node;
    this.#nats = nats;
    this.client = parts.client;
    this.told = parts.told;
    this.warnings = parts.warnings;
    this.directory = parts.directory;
    this.#stack = stack;
  }

  static async start(options: RunningNodeOptions = {}): Promise<RunningNode> {
    if (options.embedded === true) return await RunningNode.#startEmbedded(options);
    await using stack = new AsyncDisposableStack();
    const config = options.natsConfig === undefined ? {} : { config: options.natsConfig };
    const nats = options.nats ?? stack.use(await startNatsServer({ jetstream: true, ...config }));
    const directory = stack.use(await passableDirectory()).path;
    const client = await connect({ servers: nats.url });
    stack.defer(async () => await client.close());
    const told = new FeedRecorder(client);
    await client.flush();
    const warnings: string[] = [];
    const node = stack.use(
      await NexNode.start({
        ...nodeOptions(nats.url, directory, options.config),
        nexusKey: options.nexusKey,
        onWarning: (line) => warnings.push(line),
      }),
    );
    return new RunningNode({ node, client, told, warnings, directory }, nats, stack.move());
  }

  /** The client is the operator. Of what the node said before it answered nothing was recorded. */
  static async #startEmbedded({ config }: RunningNodeOptions): Promise<RunningNode> {
    await using stack = new AsyncDisposableStack();
    const directory = stack.use(await passableDirectory()).path;
    const contextFile = join(directory, "context.json");
    const warnings: string[] = [];
    const node = stack.use(
      await NexNode.start({
        ...nodeOptions("", directory, config),
        nats: { embedded: { ephemeral: true, contextFile } },
        onWarning: (line) => warnings.push(line),
      }),
    );
    const { user, password } = JSON.parse(await readFile(contextFile, "utf8")) as { user: string; password: string };
    const client = await connect({
      servers: node.server,
      user,
      pass: password,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
    });
    stack.defer(async () => await client.close());
    const told = new FeedRecorder(client);
    await client.flush();
    return new RunningNode({ node, client, told, warnings, directory }, undefined, stack.move());
  }

  get nats(): TestNats {
    if (this.#nats === undefined) throw new Error("This node runs its own server.");
    return this.#nats;
  }

  /** Public key of the nexus, as a client learns it. */
  async exchangeKey(): Promise<string> {
    this.#exchangeKey ??= (await this.ask(`$NEX.INFO.default.${this.node.id}`)).data.public_xkey as string;
    return this.#exchangeKey;
  }

  /** Asks and reads the envelope. Objects go as JSON, text and bytes as they are. */
  async ask(subject: string, body: unknown = "", timeout = 20_000): Promise<Reply> {
    return (await this.request(subject, body, timeout)).json<Reply>();
  }

  async request(subject: string, body: unknown = "", timeout = 20_000): Promise<Msg> {
    const raw = typeof body === "string" || body instanceof Uint8Array;
    return await this.client.request(subject, raw ? body : encodeMessage(body), { timeout });
  }

  /** Asks as often as it takes until the node has tokens again. */
  async askPatiently(subject: string, body: unknown = ""): Promise<Reply> {
    return await waitFor(async () => {
      const reply = await this.ask(subject, body);
      return reply.code === "rate_limited" ? undefined : reply;
    });
  }

  async close(): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

export function nodeOptions(url: string, directory: string, config: NodeOptions = {}): NexNodeOptions {
  return {
    nats: { connect: { servers: url } },
    programs: { node: process.execPath, ...agentPrograms(), bubblewrap: bubblewrapProgram() },
    config: {
      runtime_directory: join(directory, "run"),
      cache_directory: join(directory, "cache"),
      sandbox: "process",
      ...config,
    },
  };
}

/** A temporary directory through which the users of sandboxes get to theirs. */
export async function passableDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const directory = await temporaryDirectory();
  await chmod(directory.path, 0o711);
  // A run of all tests has a temporary directory of its own, which lets nobody else through.
  const { mode, uid } = await stat(tmpdir());
  if ((mode & 0o001) === 0 && uid === process.getuid?.()) await chmod(tmpdir(), 0o711);
  return directory;
}

/** Names in a directory; none if it is not there. */
export async function namesIn(directory: string): Promise<string[]> {
  return await readdir(directory).catch(() => []);
}
