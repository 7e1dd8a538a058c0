import {
  controlSubjects,
  decodeLogRecord,
  type LogRecord,
  type LogsRequest,
  logsResponseSchema,
  logSubject,
} from "@nex/protocol";
import type { ClientContext } from "../client-context.ts";
import { askNodes } from "../requests/control.ts";
import { toArray } from "../requests/to-array.ts";
import { type Feed, follow, type FollowOptions } from "./follow.ts";
import { mergeByTime } from "./recent.ts";

export interface FollowLogsOptions extends FollowOptions {
  /** Name of a workload. Default: all of the namespace. */
  readonly workload?: string | undefined;
}

/** What workloads write. */
export class Logs {
  readonly #context: ClientContext;

  constructor(context: ClientContext) {
    this.#context = context;
  }

  /** The newest records that the nodes still hold, oldest first. `limit` is counted over all nodes. @throws NexError */
  async recent(request: LogsRequest = {}): Promise<LogRecord[]> {
    const subject = controlSubjects.logs(this.#context.namespace);
    const answers = await toArray(askNodes(this.#context, subject, logsResponseSchema, request));
    return mergeByTime(
      answers.map((answer) => answer.records),
      request.limit,
    );
  }

  /** The records from now on. @throws NexError `invalid_name`; see {@link Feed} for what reading it throws */
  follow({ workload, ...options }: FollowLogsOptions = {}): Feed<LogRecord> {
    const { namespace } = this.#context;
    const subject = logSubject({ namespace, ...(workload === undefined ? {} : { workload }) });
    return follow(
      this.#context,
      [subject],
      ({ subject: from, data }) => decodeLogRecord(from, data, Date.now()),
      options,
    );
  }
}
