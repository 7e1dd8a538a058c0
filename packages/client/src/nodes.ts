import {
  controlSubjects,
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
import { askNode, askNodes } from "./requests/control.ts";
import { toArray } from "./requests/to-array.ts";

/** The nodes that listen on this NATS system. */
export class Nodes {
  readonly #context: ClientContext;

  constructor(context: ClientContext) {
    this.#context = context;
  }

  /** Every node that answers, in the order of their ids; empty if there is none. */
  async list(): Promise<PingResponse[]> {
    const nodes = await toArray(askNodes(this.#context, controlSubjects.ping(), pingResponseSchema));
    return nodes.sort((a, b) => (a.node_id < b.node_id ? -1 : 1));
  }

  /** What a node is and what it runs in this client's namespace. @throws NexError `node_not_found`, `timeout` */
  async info(id: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<InfoResponse> {
    const { namespace } = this.#context;
    return await this.#ask(id, controlSubjects.info(namespace, id), infoResponseSchema, options);
  }

  /** Lets a node take no more deploys; what runs there goes on. @throws NexError `node_not_found`, `timeout` */
  async lameDuck(id: string): Promise<LameDuckResponse> {
    return await this.#ask(id, controlSubjects.lameDuck(id), lameDuckResponseSchema);
  }

  async #ask<T>(id: string, subject: string, schema: Parameters<typeof askNode<T>>[2], options = {}): Promise<T> {
    try {
      return await askNode(this.#context, subject, schema, undefined, options);
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
