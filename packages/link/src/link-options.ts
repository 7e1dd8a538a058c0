import { DEFAULT_MAX_BODY } from "./frames/frame.ts";

export interface LinkOptions {
  /** False where the peer has yet to say hello. Default true. */
  readonly admitted?: boolean;
  /** The one method a peer may call before it is admitted. */
  readonly helloMethod?: number;
  /** Largest frame body accepted, bytes. Default: NATS's default `max_payload` plus 64 KiB. */
  readonly maxBody?: number;
  /** Calls of the peer's that may be open at once. Default 4096. */
  readonly maxIncomingCalls?: number;
  /** Called when a cancelled call was not acknowledged: the peer's event loop stands still. */
  readonly onUnresponsive?: () => void;
  /** How long a cancelled call may stay unacknowledged, ms. Default 500: a busy machine may take 200. */
  readonly unresponsiveMs?: number;
}

export interface LinkConfig extends Required<LinkOptions> {
  /** Unwritten bytes from which on {@link Link.congested} is true. */
  readonly congestedBytes: number;
  /** Unwritten bytes from which on streams wait, so that calls and pings find a short line. */
  readonly maxStreamBacklog: number;
  /** Unwritten bytes at which a peer that goes on calling is cut off. */
  readonly maxPendingBytes: number;
  /** How long a goodbye may take to leave, ms. */
  readonly goodbyeMs: number;
}

export function completeLinkOptions(options: LinkOptions): LinkConfig {
  const maxBody = options.maxBody ?? DEFAULT_MAX_BODY;
  return {
    admitted: options.admitted ?? true,
    helloMethod: options.helloMethod ?? 0,
    maxBody,
    maxIncomingCalls: options.maxIncomingCalls ?? 4096,
    onUnresponsive: options.onUnresponsive ?? (() => undefined),
    unresponsiveMs: options.unresponsiveMs ?? 500,
    congestedBytes: 1024 * 1024,
    maxStreamBacklog: 256 * 1024,
    maxPendingBytes: 8 * 1024 * 1024 + 2 * maxBody,
    goodbyeMs: 250,
  };
}
