import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { INNER_ID, INNER_NAME, Place } from "./places.ts";

const HOSTS = "127.0.0.1 localhost\n::1 localhost\n";

/** Beside what depends on the sandbox. */
const FILES = {
  passwd: `${INNER_NAME}:x:${INNER_ID}:${INNER_ID}::${Place.work}:/usr/sbin/nologin\n`,
  group: `${INNER_NAME}:x:${INNER_ID}:\n`,
  "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
  // A place to mount the machine's own on.
  "ssl/certs/ca-certificates.crt": "",
};

/**
 * Makes what is `/etc` in a sandbox: one user, no name servers, and names of hosts in a file that the agent may
 * write. All at once and not in turns of the event loop: these are a dozen small calls, half a millisecond together,
 * and a sandbox that starts waits for them.
 * @param shareNetwork with this machine's network comes how it finds hosts
 * @returns what the file of hosts begins with
 */
export function makePrivateEtc(directory: string, shareNetwork: boolean): string {
  // Whatever the process's umask is, the sandbox's user must get there.
  for (const name of ["", "ssl", "ssl/certs"]) {
    mkdirSync(join(directory, name));
    chmodSync(join(directory, name), 0o755);
  }
  const resolver = shareNetwork ? readOwn("/etc/resolv.conf") : "";
  for (const [name, content] of Object.entries({ ...FILES, "resolv.conf": resolver })) {
    writeFileSync(join(directory, name), content);
    chmodSync(join(directory, name), 0o644);
  }
  symlinkSync(Place.hosts, join(directory, "hosts"));
  return shareNetwork ? readOwn("/etc/hosts") : HOSTS;
}

function readOwn(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // A machine may well do without.
    return "";
  }
}
