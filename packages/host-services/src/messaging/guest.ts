import type { Message, Messaging, PublishOptions, RequestManyOptions, RequestOptions } from "@nex/functions";
import {
  HeaderMap,
  type HeadersInput,
  headersOf,
  optionalTextOf,
  payloadOf,
  ReceivedMessage,
  subjectOf,
} from "@nex/functions/internal";
import { decodeServiceAnswer, type HeaderList, type ServiceAnswer } from "@nex/link";
import type { ServiceClient } from "../guest/service-client.ts";
import { MESSAGING_CODE, MessagingMethod } from "./contract.ts";

/** `ctx.messaging`. */
export class MessagingClient implements Messaging {
  readonly #client: ServiceClient;

  constructor(client: ServiceClient) {
    this.#client = client;
  }

  async publish(subject: string, payload?: unknown, options: PublishOptions = {}): Promise<void> {
    await this.#client.call(MESSAGING_CODE, MessagingMethod.publish, {
      args: [subjectOf(subject), optionalTextOf(options.reply, "A reply subject")],
      headers: writeList(options.headers),
      payload: payloadOf(payload, "The message"),
    });
  }

  async request(subject: string, payload?: unknown, options: RequestOptions = {}): Promise<Message> {
    const answer = await this.#client.call(
      MESSAGING_CODE,
      MessagingMethod.request,
      {
        args: [subjectOf(subject), optional(options.timeoutMs)],
        headers: writeList(options.headers),
        payload: payloadOf(payload, "The message"),
      },
      options.signal,
    );
    return toMessage(answer);
  }

  async requestMany(subject: string, payload?: unknown, options: RequestManyOptions = {}): Promise<Message[]> {
    const { body } = await this.#client.stream(MESSAGING_CODE, MessagingMethod.requestMany, {
      args: [subjectOf(subject), optional(options.timeoutMs), optional(options.count), optional(options.quietMs)],
      headers: writeList(options.headers),
      payload: payloadOf(payload, "The message"),
      signal: options.signal,
    });
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk);
    return readAnswers(Buffer.concat(chunks)).map(toMessage);
  }
}

function toMessage({ args, headers, payload }: ServiceAnswer): Message {
  return new ReceivedMessage(args[0] ?? "", readList(headers), payload);
}

/** Answers of `requestMany`, each behind its length. */
export function readAnswers(bytes: Buffer): ServiceAnswer[] {
  const answers: ServiceAnswer[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const end = offset + 4 + bytes.readUInt32LE(offset);
    answers.push(decodeServiceAnswer(bytes.subarray(offset + 4, end)));
    offset = end;
  }
  return answers;
}

function optional(value: number | undefined): string {
  return value === undefined ? "" : String(value);
}

function writeList(input: HeadersInput | undefined): HeaderList {
  if (input === undefined) return [];
  return [...headersOf(input)].flatMap(([name, values]) => values.map((value) => [name, value] as const));
}

function readList(list: HeaderList): HeaderMap {
  if (list.length === 0) return HeaderMap.empty;
  const values = new Map<string, string[]>();
  for (const [name, value] of list) {
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  return new HeaderMap(values);
}
