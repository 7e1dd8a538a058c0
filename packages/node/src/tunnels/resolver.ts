import { lookup, type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";

type Answer = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

/**
 * Looks names up, each once at a time, however many ask for it: a look-up holds one of the few threads that the whole
 * node has, cannot be called back, and a sandbox may open and withdraw connections as fast as it likes.
 */
export class Resolver {
  readonly #waiting: Map<string, Answer[]> = new Map();

  readonly lookup: LookupFunction = (host, { all }, callback) => {
    this.#ask(host, (error, addresses) => {
      const [first] = addresses;
      if (all === true || first === undefined) callback(error, addresses);
      else callback(error, first.address, first.family);
    });
  };

  #ask(host: string, answer: Answer): void {
    const waiting = this.#waiting.get(host);
    if (waiting !== undefined) {
      waiting.push(answer);
      return;
    }
    const answers = [answer];
    this.#waiting.set(host, answers);
    lookup(host, { all: true }, (error, addresses) => {
      this.#waiting.delete(host);
      for (const each of answers) each(error, error === null ? addresses : []);
    });
  }
}
