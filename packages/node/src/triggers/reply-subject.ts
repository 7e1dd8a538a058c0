/**
 * True if a function's reply may go to this subject. Subjects that begin with `$` belong to the NATS server
 * and to JetStream: a caller who names one would write, with this node's rights, where its own do not reach.
 */
export function mayReplyTo(subject: string): boolean {
  return !subject.startsWith("$");
}
