/**
 * What several nodes told, as one list.
 *
 * @param limit the newest so many
 * @returns oldest first; of one time, in the order in which they were told
 */
export function mergeByTime<T extends { readonly time?: string }>(
  answers: readonly (readonly T[])[],
  limit: number = Number.POSITIVE_INFINITY,
): T[] {
  const entries = answers.flat().map((entry) => ({ entry, at: entry.time === undefined ? 0 : Date.parse(entry.time) }));
  entries.sort((a, b) => a.at - b.at);
  return entries.slice(Math.max(0, entries.length - limit)).map(({ entry }) => entry);
}
