import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/**
 * Where a user's issuer key lies: `nex/issuer.nk` under `XDG_CONFIG_HOME` or `~/.config`. A user of nex 0.2.7
 * who has none there keeps the one in `~/.nex/issuer.nk`, so that they may still stop and replace their workloads.
 *
 * @param env such as `process.env`
 */
export function defaultIssuerPath(env: Readonly<Record<string, string | undefined>>): string {
  const home = env["HOME"] || homedir();
  const named = env["XDG_CONFIG_HOME"] ?? "";
  // The XDG base directory specification has relative paths ignored.
  const config = isAbsolute(named) ? named : join(home, ".config");
  const path = join(config, "nex", "issuer.nk");
  const legacy = join(home, ".nex", "issuer.nk");
  return !existsSync(path) && existsSync(legacy) ? legacy : path;
}
