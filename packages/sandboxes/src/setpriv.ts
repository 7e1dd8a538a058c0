import { existsSync } from "node:fs";

/** Part of util-linux, which every Debian has; ties a child's life to ours and drops rights. */
export const SETPRIV: string | undefined = ["/usr/bin/setpriv", "/bin/setpriv"].find(
  (path) => process.platform === "linux" && existsSync(path),
);

/**
 * What goes before a command so that it ends with us, and without any rights that it could gain.
 * @param uid the user it becomes; ours if `undefined`
 * @param groups that this user is in besides one of its own
 */
export function withoutRights(uid: number | undefined, groups: readonly number[] = []): string[] {
  if (SETPRIV === undefined) return [];
  const always = [SETPRIV, "--pdeathsig", "KILL", "--no-new-privs"];
  const more = groups.length === 0 ? ["--clear-groups"] : ["--groups", groups.join(",")];
  const user =
    uid === undefined ? [] : ["--reuid", String(uid), "--regid", String(uid), ...more, "--bounding-set", "-all"];
  return [...always, ...user, "--"];
}
