import { NexError } from "@nex/protocol";

/**
 * The number of the revision to go back to: the one that is named, or the one before the running one.
 * @param kept newest first, the running one among them
 * @throws NexError `revision_not_found`
 */
export function earlierRevision(
  name: string,
  current: number,
  kept: readonly number[],
  wanted: number | undefined,
): number {
  const found = kept.find((number) => (wanted === undefined ? number < current : number === wanted));
  if (found !== undefined && found !== current) return found;
  const others = kept.filter((number) => number !== current);
  const rest = others.length === 0 ? "no other is kept" : `besides it are kept: ${others.join(", ")}`;
  const what = wanted === undefined ? "an earlier revision" : `revision ${wanted}`;
  throw new NexError("revision_not_found", `"${name}" cannot go back to ${what}: revision ${current} runs, ${rest}.`, {
    data: { current, kept },
  });
}
