import type { HeaderList, ServiceAnswer } from "@nex/link";
import { isNexError, NexError, type NexErrorCode } from "@nex/protocol";
import { HEAD_ROOM, type ServiceClient, type ServiceMessage } from "../service-client.ts";
import type { StreamedAnswer } from "../streamed-answer.ts";
import { BodySink, type Finish } from "./body-sink.ts";
import { BodySource } from "./body-source.ts";
import { ErrorNumber, errorNumber, type TextField, type WasmResult } from "./results.ts";
import { Handles } from "./handles.ts";
import { readHeaderLines } from "./header-lines.ts";
import { type ReadRecord, RecordList } from "./record-list.ts";

/** A guest's linear memory. */
export interface LinearMemory {
  /** The bytes themselves, good until the guest runs again; `undefined` if they do not all lie inside. Both unsigned. */
  view(pointer: number, length: number): Uint8Array | undefined;
}

export interface WasmGuestOptions {
  readonly client: ServiceClient;
  readonly memory: LinearMemory;
  /** Aborts when the invocation is given up. */
  readonly signal: AbortSignal;
}

/** Not the byte order mark's business: texts come through as they are. */
const UTF8: TextDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const NOTHING: WasmResult = {};

/** One invocation of a WebAssembly function, as host services see it: its memory, handles, last result and last error. */
export class WasmGuest implements Disposable {
  readonly #client: ServiceClient;
  readonly #memory: LinearMemory;
  readonly #signal: AbortSignal;
  readonly handles: Handles = new Handles();
  #result: WasmResult = NOTHING;
  /** What is left of the result's fields that the guest has begun to take. */
  readonly #left: Map<keyof typeof TextField, Uint8Array> = new Map();
  error: { readonly code: NexErrorCode | ""; readonly message: string } = { code: "", message: "" };

  constructor({ client, memory, signal }: WasmGuestOptions) {
    this.#client = client;
    this.#memory = memory;
    this.#signal = signal;
  }

  /** Runs one imported function. Failures become numbers. @throws NexError what ends a guest that has been given up */
  attempt(work: () => number | bigint | Promise<number>): number | bigint | Promise<number> {
    if (this.#signal.aborted) throw this.#givenUp();
    try {
      const outcome = work();
      return typeof outcome === "object" ? outcome.catch((error: unknown) => this.#fail(error)) : outcome;
    } catch (error) {
      return this.#fail(error);
    }
  }

  /** @throws NexError `bad_pointer` */
  view(pointer: number, length: number): Uint8Array {
    const found = this.#memory.view(pointer, length);
    if (found !== undefined) return found;
    throw new NexError("bad_pointer", `${length} bytes at address ${pointer} do not lie inside the function's memory.`);
  }

  /** A text. @throws NexError `bad_pointer`, `too_large`, `invalid_request` */
  text(what: string, pointer: number, length: number): string {
    const bytes = this.view(pointer, length);
    if (length > HEAD_ROOM)
      throw new NexError("too_large", `The ${what} has ${length} bytes; at most ${HEAD_ROOM} are taken.`);
    try {
      return UTF8.decode(bytes);
    } catch (cause) {
      throw new NexError("invalid_request", `The ${what} is not UTF-8 text.`, { cause });
    }
  }

  /** @throws NexError `bad_pointer`, `too_large`, `invalid_request` */
  headers(pointer: number, length: number): HeaderList {
    return readHeaderLines(this.text("header text", pointer, length));
  }

  /** A copy, for the call to hold while the guest waits. @throws NexError `bad_pointer`, `too_large` */
  payload(pointer: number, length: number): Buffer {
    const bytes = this.view(pointer, length);
    this.#client.checkPayload(length);
    return Buffer.from(bytes);
  }

  async call(service: number, method: number, message: ServiceMessage): Promise<ServiceAnswer> {
    return await this.#client.call(service, method, message, this.#signal);
  }

  /** A call that is answered with a body; how the body is kept open is for `keep` to say. */
  async openSource(
    service: number,
    method: number,
    message: ServiceMessage,
    keep: (answer: StreamedAnswer, stop: () => void) => number,
  ): Promise<number> {
    this.handles.checkRoom();
    const { stop, signal } = this.#stoppable();
    return keep(await this.#client.stream(service, method, { ...message, signal }), stop);
  }

  /** A call whose body the guest writes; gives back its handle at once. */
  openSink(service: number, method: number, message: ServiceMessage, finish: (stop: () => void) => Finish): number {
    this.handles.checkRoom();
    const { stop, signal } = this.#stoppable();
    const send = async (body: AsyncIterable<Uint8Array>): Promise<StreamedAnswer> =>
      await this.#client.stream(service, method, { ...message, body, signal });
    return this.handles.add(new BodySink(send, finish(stop), stop));
  }

  keepBody(body: AsyncIterable<Buffer>, stop: () => void): number {
    return this.handles.add(new BodySource(body, stop));
  }

  keepList(body: AsyncIterable<Buffer>, readRecord: ReadRecord, stop: () => void): number {
    return this.handles.add(new RecordList(body, readRecord, stop));
  }

  /** Ends a call well. @param value what the guest is given back */
  succeed(result: WasmResult = NOTHING, value = 0): number {
    this.#result = result;
    this.#left.clear();
    return value;
  }

  /** Ends a call that found nothing: an answer, told like an error. */
  absent(message: string): number {
    this.succeed();
    this.error = { code: "not_found", message };
    return ErrorNumber.not_found;
  }

  /** What is left of one of the result's fields. */
  left(field: keyof typeof TextField): Uint8Array | undefined {
    const left = this.#left.get(field);
    if (left !== undefined) return left;
    const whole = this.#result[field];
    return typeof whole === "string" ? Buffer.from(whole) : whole;
  }

  leave(field: keyof typeof TextField, rest: Uint8Array): void {
    this.#left.set(field, rest);
  }

  get result(): WasmResult {
    return this.#result;
  }

  /** The invocation is over: what it has left open is given up. */
  [Symbol.dispose](): void {
    this.handles.closeAll();
    this.#result = NOTHING;
    this.#left.clear();
  }

  #stoppable(): { readonly stop: () => void; readonly signal: AbortSignal } {
    const controller = new AbortController();
    const stop = (): void => controller.abort(new NexError("cancelled", "The function has closed it."));
    return { stop, signal: AbortSignal.any([this.#signal, controller.signal]) };
  }

  #fail(error: unknown): number {
    if (this.#signal.aborted) throw this.#givenUp();
    if (!isNexError(error)) throw error;
    this.error = { code: error.code, message: error.message };
    return errorNumber(error.code);
  }

  #givenUp(): NexError {
    return new NexError(
      "deadline_exceeded",
      "The invocation was given up while the function waited for a host service; its instance has been ended.",
      { cause: this.#signal.reason },
    );
  }
}
