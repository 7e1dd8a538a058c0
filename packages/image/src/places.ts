import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where an image lies if nobody says otherwise: `nex/image` under `XDG_DATA_HOME` or `~/.local/share`. */
export function imageDirectory(env: Environment = process.env): string {
  return join(named(env["XDG_DATA_HOME"]) ?? join(env["HOME"] || homedir(), ".local", "share"), "nex", "image");
}

/** Where builds keep Debian's packages: `nex/image` under `XDG_CACHE_HOME` or `~/.cache`. */
export function imageCache(env: Environment = process.env): string {
  return join(named(env["XDG_CACHE_HOME"]) ?? join(env["HOME"] || homedir(), ".cache"), "nex", "image");
}

/** The XDG specification has relative paths ignored. */
function named(directory: string | undefined): string | undefined {
  return directory !== undefined && isAbsolute(directory) ? directory : undefined;
}
