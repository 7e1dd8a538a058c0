import { readFile, writeFile } from "node:fs/promises";
import { isIPv4 } from "node:net";

/**
 * Makes names resolve to addresses by a hosts file, in which everything else stays. Written in place: in a sandbox the
 * file may be a mount of its own, which cannot be replaced.
 */
export async function addToHostsFile(path: string, addresses: ReadonlyMap<string, string>): Promise<void> {
  const before = await readFile(path, "utf8").catch(() => "");
  const after = withHosts(before, addresses);
  if (after !== before) await writeFile(path, after);
}

/** The text of a hosts file in which each name stands for its address and no other. */
function withHosts(text: string, addresses: ReadonlyMap<string, string>): string {
  const names = [...addresses].filter(([name]) => !isIPv4(name));
  const lines = text.split("\n").filter((line, index, all) => line !== "" || index < all.length - 1);
  const missing = names.filter(([name, address]) => !lines.some((line) => isEntry(line, name, address)));
  const kept = lines.flatMap((line) => withoutOthers(line, new Map(names)));
  const added = missing.map(([name, address]) => `${address}\t${name}`);
  return [...kept, ...added].map((line) => `${line}\n`).join("");
}

interface Entry {
  readonly address: string;
  readonly names: readonly string[];
}

function readEntry(line: string): Entry {
  const [address = "", ...names] = (line.split("#")[0] ?? "").trim().split(/\s+/);
  return { address, names };
}

function isEntry(line: string, name: string, address: string): boolean {
  const entry = readEntry(line);
  return entry.address === address && entry.names.some((each) => each.toLowerCase() === name);
}

/** The line without the names that are to stand for another address: `::1 localhost` would be tried first. */
function withoutOthers(line: string, addresses: ReadonlyMap<string, string>): string[] {
  const { address, names } = readEntry(line);
  const kept = names.filter((name) => [undefined, address].includes(addresses.get(name.toLowerCase())));
  if (kept.length === names.length) return [line];
  return kept.length === 0 ? [] : [`${address}\t${kept.join(" ")}`];
}
