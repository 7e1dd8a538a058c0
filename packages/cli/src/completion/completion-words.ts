import type { CommandTree } from "../command-entry.ts";
import { GLOBAL_OPTIONS } from "../global-options.ts";
import { longName, type OptionSpec } from "../option.ts";

/** What may follow each command: its path such as `/context/ls`, the empty one for `nex` itself, and the words. */
export type CompletionWords = ReadonlyMap<string, readonly string[]>;

/** Loads every command, so this is only for making a script. */
export async function completionWords({ commands, nouns }: CommandTree): Promise<CompletionWords> {
  const globals = longNames(GLOBAL_OPTIONS);
  const words = new Map<string, string[]>([["", Object.keys(nouns)]]);
  for (const noun of Object.keys(nouns)) words.set(`/${noun}`, []);
  for (const { path, aliases = [], short, load } of commands) {
    const options = [...longNames((await load()).options), ...globals, "--help"];
    const parent = path
      .slice(0, -1)
      .map((word) => `/${word}`)
      .join("");
    words.get(parent)!.push(path.at(-1)!);
    for (const last of [path.at(-1)!, ...aliases]) words.set(`${parent}/${last}`, options);
    if (short !== undefined) {
      words.get("")!.push(short);
      words.set(`/${short}`, options);
    }
  }
  words.get("")!.push("help", "--version", "--help", ...globals);
  return words;
}

function longNames(options: Readonly<Record<string, OptionSpec<unknown>>>): string[] {
  return Object.values(options).map(({ flags }) => longName(flags));
}
