import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where programs of this user keep their state: XDG_STATE_HOME, else `~/.local/state`. */
export function stateHome(env: Environment = process.env): string {
  return xdgDirectory(env, "XDG_STATE_HOME") ?? join(homedir(), ".local", "state");
}

/** Where programs of this user have their configuration: XDG_CONFIG_HOME, else `~/.config`. */
export function configHome(env: Environment = process.env): string {
  return xdgDirectory(env, "XDG_CONFIG_HOME") ?? join(homedir(), ".config");
}

/** The XDG Base Directory Specification has relative paths ignored. */
function xdgDirectory(env: Environment, variable: string): string | undefined {
  const value = env[variable];
  return value !== undefined && isAbsolute(value) ? value : undefined;
}
