import { connect, type NatsConnection } from "@nats-io/transport-node";
import { NexClient } from "@nex/client";
import {
  checkMessage,
  controlSubjects,
  encodeMessage,
  readEnvelope,
  signRequest,
  SigningKey,
  workloadsResponseSchema,
} from "@nex/protocol";

export interface FunctionOrder {
  readonly name: string;
  /** Trigger subject; none for a service. */
  readonly subject?: string;
  /** Of JavaScript, or the bytes of a WebAssembly module or, without a subject, of a program. */
  readonly source: string | Uint8Array;
  /** Of each invocation. Default: the node's. */
  readonly deadlineMs?: number;
}

const NAMESPACE = "bench";
const TIMEOUT_MS = 30_000;

/** Controls the functions of one node. */
export class ControlClient implements AsyncDisposable {
  readonly #connection: NatsConnection;
  readonly #client: NexClient;
  readonly #issuer: SigningKey;
  readonly #node: string;
  readonly #nexus: string;

  private constructor(connection: NatsConnection, client: NexClient, issuer: SigningKey, node: string, nexus: string) {
    this.#connection = connection;
    this.#client = client;
    this.#issuer = issuer;
    this.#node = node;
    this.#nexus = nexus;
  }

  /** @param node id; named in every request, so that none waits for other nodes to offer themselves */
  static async connect(url: string, node: string, nexus: string): Promise<ControlClient> {
    const connection = await connect({ servers: url });
    const issuer = SigningKey.create("account");
    const client = await NexClient.connect({ connection, issuer, namespace: NAMESPACE });
    return new ControlClient(connection, client, issuer, node, nexus);
  }

  async deploy({ name, subject, source, deadlineMs }: FunctionOrder): Promise<void> {
    const artifact = Buffer.from(source);
    await this.#client.workloads.deploy({
      name,
      kind: typeof source === "string" ? "javascript" : subject === undefined ? "elf" : "wasm",
      artifact,
      triggers: subject === undefined ? [] : [subject],
      node: this.#node,
      deadlineMs,
    });
  }

  async running(): Promise<string[]> {
    const reply = await this.#connection.request(
      controlSubjects.workloads(NAMESPACE),
      encodeMessage({ node_id: this.#node }),
      { timeout: TIMEOUT_MS },
    );
    const { workloads } = checkMessage(workloadsResponseSchema, readEnvelope(reply.data));
    return workloads.filter(({ state }) => state === "running").map(({ name }) => name);
  }

  /** Asks the node alone: the client's own stop first gives every node time to say that it runs the workload. */
  async stop(name: string): Promise<void> {
    const expiresAt = Date.now() + TIMEOUT_MS;
    const claims = { name, action: "stop", namespace: NAMESPACE, nexus: this.#nexus, expiresAt } as const;
    const request = encodeMessage(signRequest(this.#issuer, claims, { name, target_node: this.#node }));
    const subject = controlSubjects.undeploy(NAMESPACE, this.#node);
    readEnvelope((await this.#connection.request(subject, request, { timeout: TIMEOUT_MS })).data);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
    await this.#connection.close();
  }
}
