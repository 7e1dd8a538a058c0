import { type LookupAddress, promises as dns } from "node:dns";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";

/** For one question to one name server, and how often it is asked, ms. */
const PATIENCE = { timeout: 2000, tries: 2 };

const HOSTS_FILE = "/etc/hosts";

const LOOPBACK: readonly string[] = ["127.0.0.1", "::1"];

/**
 * Addresses of a name: from the hosts file, else from the machine's name servers, asked for the name as it stands.
 * Not by the system's own resolver: that one holds one of the node's few threads until it has an answer, and cannot be
 * called back, so that a guest that asks for names nobody answers for would stop the look-ups of all others.
 * @param servers default: those of the machine
 * @throws Error with the code of the failure, such as `ENOTFOUND`; the signal's reason
 */
export async function resolveName(
  host: string,
  signal: AbortSignal,
  servers?: readonly string[],
): Promise<LookupAddress[]> {
  signal.throwIfAborted();
  const name = host.toLowerCase().replace(/\.$/, "");
  const known = /(?:^|\.)localhost$/.test(name) ? LOOPBACK : await fromHostsFile(name);
  if (known.length > 0) return known.map(asLookup);
  // One for each look-up: those of others are not cancelled with it.
  const resolver = new dns.Resolver(PATIENCE);
  if (servers !== undefined) resolver.setServers(servers);
  const cancel = (): void => resolver.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  if (signal.aborted) cancel();
  try {
    const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    signal.throwIfAborted();
    const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    if (addresses.length > 0) return addresses.map(asLookup);
    throw worstOf(answers);
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

function asLookup(address: string): LookupAddress {
  return { address, family: isIP(address) };
}

async function fromHostsFile(name: string): Promise<string[]> {
  const text = await readFile(HOSTS_FILE, "utf8").catch(() => "");
  return text.split("\n").flatMap((line) => {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    return isIP(address) !== 0 && names.some((each) => each.toLowerCase() === name) ? [address] : [];
  });
}

/** That a name has no address of one kind says less than that a server did not answer for the other. */
function worstOf(answers: readonly PromiseSettledResult<string[]>[]): Error {
  const errors = answers.flatMap((answer) =>
    answer.status === "rejected" ? [answer.reason as NodeJS.ErrnoException] : [],
  );
  const absent = new Set(["ENODATA", "ENOTFOUND"]);
  return errors.find(({ code = "" }) => !absent.has(code)) ?? errors[0] ?? new Error("the name has no address");
}
