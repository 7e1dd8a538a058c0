import { type BinaryReader, encodeU32, MalformedModule } from "./binary-reader.ts";

/** Size of a memory in pages or of a table in entries. */
export interface Limits {
  readonly min: number;
  /** Absent: as far as the engine goes. */
  readonly max?: number;
}

/** What a limits record may be beyond 32-bit and private. Each stands for a proposal functions have no use for. */
const Flag = { hasMax: 1, shared: 2, wide: 4 } as const;

export interface LimitsRecord extends Limits {
  readonly isShared: boolean;
  readonly isWide: boolean;
}

/** @throws MalformedModule, also for flags that are not known here: what is not understood is not capped */
export function readLimits(reader: BinaryReader): LimitsRecord {
  const flags = reader.u8();
  if (flags > (Flag.hasMax | Flag.shared | Flag.wide)) throw new MalformedModule("unknown flags of a memory or table");
  const kind = { isShared: (flags & Flag.shared) !== 0, isWide: (flags & Flag.wide) !== 0 };
  // The caller refuses these; their numbers may be wider than what is read here.
  if (kind.isShared || kind.isWide) return { min: 0, ...kind };
  const min = reader.u32();
  return (flags & Flag.hasMax) === 0 ? { min, ...kind } : { min, max: reader.u32(), ...kind };
}

/** A record with the given maximum, or the module's own where that is lower. */
export function encodeCapped({ min, max }: Limits, cap: number): number[] {
  return [Flag.hasMax, ...encodeU32(min), ...encodeU32(Math.min(max ?? cap, cap))];
}
