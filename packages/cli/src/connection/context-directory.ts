import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join, resolve } from "node:path";
import { NexError } from "@nex/protocol";
import type { Environment } from "../terminal/environment.ts";

/** The user's home. `HOME` wins where it is set, as it does for shells. */
export function homeDirectory(env: Environment): string {
  return env["HOME"] || homedir();
}

/** Where the `nats` CLI keeps its contexts (jsm.go, `natscontext`): below `XDG_CONFIG_HOME` or `~/.config`, on every system. */
export class ContextDirectory {
  readonly path: string;

  constructor(env: Environment) {
    this.path = join(env["XDG_CONFIG_HOME"] || join(homeDirectory(env), ".config"), "nats");
  }

  /** Name in `context.txt`; `undefined` if none is selected. */
  selected(): string | undefined {
    try {
      return readFileSync(join(this.path, "context.txt"), "utf8").trim() || undefined;
    } catch {
      return undefined;
    }
  }

  names(): string[] {
    try {
      const files = readdirSync(join(this.path, "context"), { withFileTypes: true });
      return files
        .filter((file) => !file.isDirectory() && file.name.endsWith(".json"))
        .map((file) => file.name.slice(0, -".json".length))
        .sort();
    } catch {
      return [];
    }
  }

  has(name: string): boolean {
    return isContextName(name) && existsSync(this.#file(name));
  }

  /**
   * Where a context lies. Like `nats`, takes the path of a `.json` file too.
   * @param asked by what the user asked for it, such as `--context`
   * @throws NexError `invalid_request`, `file_not_found`
   */
  find(name: string, asked: string): { readonly name: string; readonly file: string } {
    if (name.endsWith(".json") && existsSync(name)) return { name: basename(name, ".json"), file: resolve(name) };
    if (!isContextName(name)) {
      throw new NexError(
        "invalid_request",
        `${asked}: "${name}" cannot be the name of a NATS context: it may not be empty or contain "..", "/" or "\\".`,
      );
    }
    const file = this.#file(name);
    if (existsSync(file)) return { name, file };
    const known = this.names();
    const others = known.length === 0 ? "There are no contexts there." : `The contexts there are: ${known.join(", ")}.`;
    throw new NexError("file_not_found", `${asked}: there is no NATS context "${name}" (${file}). ${others}`, {
      data: { context: name, file },
    });
  }

  #file(name: string): string {
    return join(this.path, "context", `${name}.json`);
  }
}

/** The rule of jsm.go. */
function isContextName(name: string): boolean {
  return name !== "" && !/\.\.|[/\\]/.test(name);
}
