import { DENIED_SUBJECTS, isLiteralSubject, isReserved, subjectMatches } from "@nex/protocol";
import type { HeadersInput } from "../headers.ts";
import { headersOf, optionalTextOf, payloadOf, subjectOf } from "./arguments.ts";
import type { Message, Messaging, PublishOptions, RequestOptions } from "./messaging.ts";
import { serviceError } from "./service-error.ts";

/** Messages to nobody, with the rules of a node's: for tests of functions. */
export class MemoryMessaging implements Messaging {
  async publish(subject: string, payload?: unknown, options: PublishOptions = {}): Promise<void> {
    checkSubject(subject);
    const reply = optionalTextOf(options.reply, "A reply subject");
    if (reply !== "") checkSubject(reply);
    checkMessage(payload, options.headers);
  }

  async request(subject: string, payload?: unknown, options: RequestOptions = {}): Promise<Message> {
    return nobody(subject, payload, options);
  }

  async requestMany(subject: string, payload?: unknown, options: RequestOptions = {}): Promise<Message[]> {
    return nobody(subject, payload, options);
  }
}

function nobody(subject: string, payload: unknown, { headers }: RequestOptions): never {
  checkSubject(subject);
  checkMessage(payload, headers);
  throw serviceError("no_responders", `Nobody is subscribed to "${subject}".`, { data: { subject } });
}

function checkMessage(payload: unknown, headers: HeadersInput | undefined): void {
  payloadOf(payload, "The message");
  if (headers !== undefined) headersOf(headers);
}

function checkSubject(subject: string): void {
  if (!isLiteralSubject(subjectOf(subject)))
    throw serviceError("invalid_subject", `"${subject.slice(0, 100)}" is not a subject a message can go to.`);
  if (!isReserved(subject)) return;
  const denied = DENIED_SUBJECTS.find((each) => subjectMatches(each, subject)) ?? `${subject[0]}…`;
  throw serviceError("subject_denied", `The subject "${subject}" is denied to workloads of a node ("${denied}").`);
}
