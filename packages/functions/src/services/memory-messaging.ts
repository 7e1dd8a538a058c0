import { checkMessageSubject } from "@nex/protocol";
import type { HeadersInput } from "../headers.ts";
import { headersOf, optionalTextOf, payloadOf, subjectOf } from "./arguments.ts";
import type { Message, Messaging, PublishOptions, RequestOptions } from "./messaging.ts";
import { asService, serviceError } from "./service-error.ts";

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
  asService(() => checkMessageSubject(subjectOf(subject), []));
}
