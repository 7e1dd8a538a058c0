import type { Command } from "./command.ts";

/** A command's place in the tree and how to get at it. The rest of it is loaded only when it is used. */
export interface CommandEntry {
  /** Noun and verb, or one word. */
  readonly path: readonly [string, ...string[]];
  /** Other words for the last part. */
  readonly aliases?: readonly string[];
  /** The short form, typed right after `nex`. */
  readonly short?: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** All of a program's commands. */
export interface CommandTree {
  readonly commands: readonly CommandEntry[];
  /** First words of paths of two, and what each stands for. */
  readonly nouns: Readonly<Record<string, string>>;
}
