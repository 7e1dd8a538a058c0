import {
  controlSubjects,
  decodeEvent,
  eventSubject,
  type NexEvent,
  type RecentEventsRequest,
  recentEventsResponseSchema,
  SYSTEM_NAMESPACE,
} from "@nex/protocol";
import type { ClientContext } from "../client-context.ts";
import { askNodes } from "../requests/control.ts";
import { toArray } from "../requests/to-array.ts";
import { type Feed, follow, type FollowOptions } from "./follow.ts";
import { mergeByTime } from "./recent.ts";

export interface FollowEventsOptions extends FollowOptions {
  /** Default: all types. */
  readonly types?: readonly string[] | undefined;
  /** Those of the nodes themselves too. Default true; false for credentials that may read the namespace alone. */
  readonly system?: boolean | undefined;
}

/** What happens to workloads of the namespace, and to the nodes. */
export class Events {
  readonly #context: ClientContext;

  constructor(context: ClientContext) {
    this.#context = context;
  }

  /** The newest events that the nodes still hold, oldest first. `limit` is counted over all nodes. @throws NexError */
  async recent(request: RecentEventsRequest = {}): Promise<NexEvent[]> {
    const subject = controlSubjects.recentEvents(this.#context.namespace);
    const answers = await toArray(askNodes(this.#context, subject, recentEventsResponseSchema, request));
    return mergeByTime(
      answers.map((answer) => answer.events),
      request.limit,
    );
  }

  /** The events from now on. See {@link Feed} for what reading it throws. */
  follow({ types, system = true, ...options }: FollowEventsOptions = {}): Feed<NexEvent> {
    const { namespace } = this.#context;
    const namespaces = system ? [namespace, SYSTEM_NAMESPACE] : [namespace];
    const read = ({ data }: { readonly data: Uint8Array }): NexEvent | undefined => {
      const event = decodeEvent(data);
      return types === undefined || types.includes(event.type) ? event : undefined;
    };
    return follow(
      this.#context,
      namespaces.map((name) => eventSubject(name)),
      read,
      options,
    );
  }
}
