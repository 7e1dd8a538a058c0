import {
  controlSubjects,
  type InfoRequest,
  type InfoResponse,
  infoResponseSchema,
  isNexError,
  type LameDuckResponse,
  lameDuckResponseSchema,
  NexError,
  type PingResponse,
  pingResponseSchema,
} from "@nex/protocol";
import type { ClientContext } from "./client-context.ts";
import { askNode, askNodes, FOR_UNKNOWN_MS } from "./requests/control.ts";
import { toArray } from "./requests/to-array.ts";

export interface NodeInfoOptions {
  /** With the list of what runs there, as far as it fits one message. Default true. */
  readonly machines?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The nodes that listen on this NATS system. */
export class Nodes {
  readonly #context: ClientContext;

  constructor(context: ClientContext) {
    this.#context = context;
  }

  /** Every node that answers, in the order of their ids; empty if there is none. */
  async list(): Promise<PingResponse[]> {
    const options = { forUnknownMs: FOR_UNKNOWN_MS };
    const nodes = await toArray(
      askNodes(this.#context, controlSubjects.ping(), pingResponseSchema, undefined, options),
    );
    return nodes.sort((a, b) => (a.node_id < b.node_id ? -1 : 1));
  }

  /**
   * What a node is and what it runs in this client's namespace.
   * @throws NexError `node_not_found`, `timeout`
   */
  async info(id: string, { machines = true, signal }: NodeInfoOptions = {}): Promise<InfoResponse> {
    const { namespace } = this.#context;
    // A node of nex 0.2.7 does not look at the body, and lists them all the same.
    const body: InfoRequest | undefined = machines ? undefined : { machines };
    return await this.#ask(id, controlSubjects.info(namespace, id), infoResponseSchema, { signal }, body);
  }

  /** Lets a node take no more deploys; what runs there goes on. @throws NexError `node_not_found`, `timeout` */
  async lameDuck(id: string): Promise<LameDuckResponse> {
    return await this.#ask(id, controlSubjects.lameDuck(id), lameDuckResponseSchema);
  }

  async #ask<T>(
    id: string,
    subject: string,
    schema: Parameters<typeof askNode<T>>[2],
    options = {},
    body?: unknown,
  ): Promise<T> {
    try {
      return await askNode(this.#context, subject, schema, body, options);
    } catch (error) {
      if (isNexError(error) && error.code === "no_node") throw nodeNotFound(id, error);
      throw error;
    }
  }
}

function nodeNotFound(id: string, cause: unknown): NexError {
  return new NexError("node_not_found", `No node with the id ${id} answered. List the nodes with "nex node ls".`, {
    data: { node_id: id },
    cause,
  });
}
