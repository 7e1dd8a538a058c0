import type { WorkloadDetail, WorkloadsRequest } from "@nex/protocol";

/** Of all entries of one reply together, bytes: with the rest of it they must fit one message of a server with defaults. */
export const PAGE_BYTES: number = 512 * 1024;

/** How many of the entries, from the first on, fit one reply; one at least, whatever its size. */
export function fitting(entries: readonly unknown[]): number {
  let bytes = 0;
  for (const [index, entry] of entries.entries()) {
    bytes += Buffer.byteLength(JSON.stringify(entry));
    if (bytes > PAGE_BYTES) return Math.max(1, index);
  }
  return entries.length;
}

/** More workloads are not even described for one page. */
const MAX_PAGE = 2000;

interface Describable {
  readonly name: string;
  describe(): WorkloadDetail;
}

/** The workloads that one answer tells of, in the order of their names, and the name after which there are more. */
export function pageOf(
  workloads: readonly Describable[],
  { name, after = "" }: WorkloadsRequest,
): { readonly workloads: readonly WorkloadDetail[]; readonly next?: string } {
  const wanted = workloads
    .filter((workload) => workload.name > after && (name === undefined || workload.name === name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const described = wanted.slice(0, MAX_PAGE).map((workload) => workload.describe());
  const page = described.slice(0, fitting(described));
  const last = page.at(-1);
  return { workloads: page, ...(page.length === wanted.length || last === undefined ? {} : { next: last.name }) };
}
