import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { INNER_ID, INNER_NAME, Place } from "./places.ts";

const HOSTS = "127.0.0.1 localhost\n::1 localhost\n";

/**
 * Makes what is `/etc` in a sandbox: one user, no name servers, and names of hosts in a file that the agent may
 * write.
 * @param shareNetwork with this machine's network comes how it finds hosts
 * @returns what the file of hosts begins with
 */
export async function makePrivateEtc(directory: string, shareNetwork: boolean): Promise<string> {
  const machine = async (path: string): Promise<string> => await readFile(path, "utf8").catch(() => "");
  const [resolver, hosts] = shareNetwork
    ? await Promise.all([machine("/etc/resolv.conf"), machine("/etc/hosts")])
    : ["", HOSTS];
  const files = {
    passwd: `${INNER_NAME}:x:${INNER_ID}:${INNER_ID}::${Place.work}:/usr/sbin/nologin\n`,
    group: `${INNER_NAME}:x:${INNER_ID}:\n`,
    "resolv.conf": resolver,
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    // A place to mount the machine's own on.
    "ssl/certs/ca-certificates.crt": "",
  };
  await mkdir(join(directory, "ssl", "certs"), { recursive: true });
  await Promise.all([
    symlink(Place.hosts, join(directory, "hosts")),
    ...Object.entries(files).map(async ([name, content]) => {
      await writeFile(join(directory, name), content);
      // Whatever the process's umask is, the sandbox's user must get there.
      await chmod(join(directory, name), 0o644);
    }),
  ]);
  for (const path of ["", "ssl", "ssl/certs"]) await chmod(join(directory, path), 0o755);
  return hosts;
}
