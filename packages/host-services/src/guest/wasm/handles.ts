import { NexError } from "@nex/protocol";
import type { BodySink } from "./body-sink.ts";
import type { BodySource } from "./body-source.ts";
import type { RecordList } from "./record-list.ts";

type Handle = BodySource | BodySink | RecordList;

/** Each holds a call of the runner's open; less than what one runner may have, so that no guest waits for itself. */
const MAX_HANDLES = 32;

/** What one invocation has open, by the numbers it was given. Closed as a whole at its end. */
export class Handles {
  readonly #open: Map<number, Handle> = new Map();
  #last = 0;

  /** Before something is opened. @throws NexError `overloaded` */
  checkRoom(): void {
    if (this.#open.size < MAX_HANDLES) return;
    throw new NexError(
      "overloaded",
      `The invocation has ${MAX_HANDLES} streams and lists open, which is as many as it may have. Close some of them first.`,
    );
  }

  /** The number for the guest. None is used twice, so that one that was closed never means another. */
  add(handle: Handle): number {
    this.#open.set(++this.#last, handle);
    return this.#last;
  }

  /** @throws NexError `bad_handle` */
  find(number: number): Handle {
    const found = this.#open.get(number);
    if (found !== undefined) return found;
    throw new NexError("bad_handle", `There is no handle ${number}: it was closed, or never given out.`);
  }

  /** @throws NexError `bad_handle` */
  close(number: number): void {
    this.find(number).close();
    this.#open.delete(number);
  }

  /** Takes the number away from something that has ended by itself. */
  forget(number: number): void {
    this.#open.delete(number);
  }

  closeAll(): void {
    for (const handle of this.#open.values()) handle.close();
    this.#open.clear();
  }
}
