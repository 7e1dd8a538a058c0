import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { NexError } from "@nex/protocol";
import { run } from "../tools.ts";

/** Of everything that is not a script. */
const PROGRAMS = [
  "usr/bin/perl",
  "usr/bin/setpriv",
  "usr/lib/rc/bin/checkpath",
  "usr/local/bin/node",
  "usr/sbin/openrc",
  "usr/sbin/openrc-init",
  "usr/sbin/openrc-run",
  "usr/sbin/supervise-daemon",
];

/** Has the image's own loader look for the libraries of its programs. @throws NexError `image_failed` */
export async function checkLibraries(root: string, signal?: AbortSignal): Promise<void> {
  const directory = join(root, "usr/lib", "x86_64-linux-gnu");
  const loader = (await readdir(directory)).find((name) => name.startsWith("ld-linux"));
  if (loader === undefined) throw new NexError("image_failed", "Debian's libc6 brought no loader for programs.");
  for (const program of PROGRAMS) {
    const libraries = await run(
      join(directory, loader),
      ["--inhibit-cache", "--library-path", directory, "--list", join(root, program)],
      // Nothing of this machine's may stand in.
      { env: { LD_PRELOAD: "" }, signal },
    );
    const missing = [...libraries.matchAll(/^\s*(\S+) => not found/gm)].map(([, name]) => name);
    const foreign = [...libraries.matchAll(/=> (\/\S+)/g)]
      .map(([, path]) => path!)
      .filter((path) => !path.startsWith(root));
    if (missing.length === 0 && foreign.length === 0) continue;
    throw new NexError(
      "image_failed",
      `/${program} would not start in the image: it lacks ${[...missing, ...foreign].join(", ")}. The distribution packs its libraries in a way this version of nex does not know.`,
      { data: { program, missing, foreign } },
    );
  }
}
