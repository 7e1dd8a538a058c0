/**
 * A frame is a 12-byte header and an opaque body. All numbers are little-endian.
 *
 * ```text
 *   0        4      5       6        8          12
 *   ├────────┼──────┼───────┼────────┼──────────┼─ … ─┤
 *   │ length │ type │ flags │ method │ call id  │ body│   length counts the body only
 *   └────────┴──────┴───────┴────────┴──────────┴─ … ─┘
 * ```
 */
export const HEADER_BYTES = 12;

export const FrameType = {
  call: 1,
  reply: 2,
  error: 3,
  cancel: 4,
  data: 5,
  credit: 6,
  ping: 7,
  pong: 8,
  /** A call that wants no answer: logs, events. */
  notify: 9,
  /** The last frame of a link: says why it closes. */
  goodbye: 10,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export const LAST_FRAME_TYPE: number = FrameType.goodbye;

export const Flag = {
  /** On data: nothing follows in this direction. */
  end: 1,
  /** On data and credit: the call id is one of the receiver's own calls. Each side numbers its own. */
  toCaller: 2,
} as const;

/** Largest body of a data frame, so that one big object cannot delay the frames behind it. */
export const MAX_DATA_BYTES: number = 64 * 1024;

/** Bytes one side may send on a stream before the other has granted more. */
export const INITIAL_CREDIT: number = 256 * 1024;

/** NATS's default `max_payload`, with room for subject and headers. */
export const DEFAULT_MAX_BODY: number = 1024 * 1024 + 64 * 1024;

/** Before its hello a peer is a stranger: it may send this much, and only a hello. */
export const MAX_HELLO_BODY: number = 4 * 1024;

export interface Frame {
  readonly type: FrameType;
  readonly flags: number;
  readonly method: number;
  readonly id: number;
  readonly body: Buffer;
}
