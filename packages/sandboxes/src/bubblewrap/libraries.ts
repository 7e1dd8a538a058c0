import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Loaded by older C libraries only when a name is looked up, so that no list of needed libraries has them. */
const FOR_NAMES = ["libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"];

/**
 * The shared libraries that `program` is loaded with, the loader among them, by the paths they are looked for at.
 * The loader itself is asked, as ldd(1) does. Nothing for a static program.
 */
export async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await run(program, [], { env: { LD_TRACE_LOADED_OBJECTS: "1" }, timeout: 10_000 }).catch(() => ({
    stdout: "",
  }));
  // "libm.so.6 => /lib/…/libm.so.6 (0x…)", and "/lib64/ld-linux-x86-64.so.2 (0x…)" for the loader.
  const listed = [...stdout.matchAll(/(?:=>\s*|^\s*)(\/\S+) \(0x[0-9a-f]+\)$/gm)].map(([, path]) => path!);
  const libc = listed.find((path) => /\/libc\.so\.\d+$/.test(path));
  const more = libc === undefined ? [] : FOR_NAMES.map((name) => join(dirname(libc), name)).filter(existsSync);
  return [...new Set([...listed, ...more])];
}
