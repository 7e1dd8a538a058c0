import type { LogLevel } from "@nex/protocol";
import { Dispatcher, type DispatcherOptions } from "../functions/dispatcher.ts";
import { newAgentId } from "./agent-id.ts";
import type { WorkloadPlan } from "./plan.ts";

type Note = (level: LogLevel, text: string, invocationId?: string) => void;

/** The dispatcher of one revision of a function, which tells its log about messages that are not run. */
export function revisionDispatcher(
  { triggers, deadlineMs, maxInFlight, maxWaiting }: WorkloadPlan,
  { connection, heldBytes }: Pick<DispatcherOptions, "connection" | "heldBytes">,
  note: Note,
): Dispatcher {
  return new Dispatcher(newAgentId(), {
    connection,
    triggers,
    deadlineMs,
    maxInFlight,
    maxWaiting,
    heldBytes,
    onRefusedReply: (subject, reply) =>
      note(
        "warn",
        `A message on "${subject}" was not run: it asks for its answer on "${reply}", where a function may not write.`,
      ),
    onExpired: ({ subject, invocationId }) =>
      note(
        "warn",
        `A message on "${subject}" waited its whole deadline of ${deadlineMs} ms for others to end, and was not run.`,
        invocationId,
      ),
  });
}
