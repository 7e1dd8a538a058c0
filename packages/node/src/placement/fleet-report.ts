import { createEvent, type NexError, SYSTEM_NAMESPACE } from "@nex/protocol";
import type { Feeds } from "../feeds/feeds.ts";

/** Tells the operator, and whoever follows events, what happens in a fleet. */
export class FleetReport {
  readonly #feeds: Feeds;
  readonly #nodeId: string;
  readonly #warn: (line: string) => void;

  constructor(feeds: Feeds, nodeId: string, warn: (line: string) => void) {
    this.#feeds = feeds;
    this.#nodeId = nodeId;
    this.#warn = warn;
  }

  /** What should run here could not be brought up. */
  notRestored(namespace: string, name: string, { code, message }: NexError): void {
    this.#warn(`The workload ${namespace}/${name} should run here and does not now: ${message}`);
    this.#feeds.publishEvent(createEvent("workload_not_restored", this.#nodeId, namespace, { name, code, message }));
  }

  /** This node has taken a slot over. */
  taken(namespace: string, name: string, from: string | undefined): void {
    this.#feeds.publishEvent(createEvent("workload_moved", this.#nodeId, namespace, { name, from, to: this.#nodeId }));
  }

  /** Another node has taken a slot of this one, which it had not given away. */
  lost(namespace: string, name: string, to: string): void {
    this.#warn(
      `The workload ${namespace}/${name} runs on the node ${to} now, which took it over while this node could not be reached. It is ended here.`,
    );
  }

  /** A node is silent. */
  nodeLost(node: string): void {
    this.#warn(`The node ${node} is silent and does not answer: what it ran is taken over.`);
    this.#feeds.publishEvent(createEvent("node_lost", this.#nodeId, SYSTEM_NAMESPACE, { node_id: node }));
  }
}
