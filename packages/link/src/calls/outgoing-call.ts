import type { NexError } from "@nex/protocol";
import type { ByteStream } from "./byte-stream.ts";

/** Told once how a call ended: with the reply's body, or with an error and an empty body. */
export type Settle = (error: NexError | undefined, body: Buffer) => void;

/** A call of ours. After its deadline or cancel it lingers, settled, until the peer has acknowledged that. */
export interface OutgoingCall {
  readonly id: number;
  readonly method: number;
  settle: Settle | undefined;
  /** Monotonic ms; `Infinity` for none. While lingering: when the peer counts as unresponsive. */
  deadline: number;
  lingering: boolean;
  stream: ByteStream | undefined;
}
