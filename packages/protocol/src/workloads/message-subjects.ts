import { NexError } from "../errors.ts";
import { DENIED_SUBJECTS, isLiteralSubject, isReserved, subjectMatches } from "./subjects.ts";

/**
 * Checks a subject that a function wants a message to go to, as destination or for answers.
 *
 * All that begins with `$` or `_` is denied, not only the list: a message there would act with the node's rights on
 * JetStream, or speak into somebody's inbox.
 *
 * @throws NexError `invalid_subject`, `subject_denied`
 */
export function checkMessageSubject(subject: string, denied: readonly string[]): void {
  if (!isLiteralSubject(subject)) {
    const shown = subject.slice(0, 100);
    throw new NexError(
      "invalid_subject",
      `"${shown}" is not a subject a message can go to: use non-empty tokens separated by dots, without spaces and wildcards.`,
      { data: { subject: shown } },
    );
  }
  const pattern = isReserved(subject)
    ? (DENIED_SUBJECTS.find((each) => subjectMatches(each, subject)) ?? `${subject[0]}…`)
    : denied.find((each) => subjectMatches(each, subject));
  if (pattern === undefined) return;
  throw new NexError("subject_denied", `The subject "${subject}" is denied to workloads of this node ("${pattern}").`, {
    data: { subject, denied: pattern },
  });
}
