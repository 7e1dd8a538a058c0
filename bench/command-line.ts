import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Suite } from "./suites/suite.ts";

export interface CommandLine {
  readonly suites: readonly Suite[];
  /** Result file of an earlier run. */
  readonly compare: string | undefined;
  /** Where the results go, besides the usual place. */
  readonly save: string | undefined;
}

/** The bench was asked for something it does not have. */
export class UsageError extends Error {
  readonly exitCode = 2;
}

/** @throws UsageError */
export function readCommandLine(args: readonly string[], all: readonly Suite[]): CommandLine | "help" {
  const { values, positionals } = parse(args);
  if (values.help === true) return "help";
  const unknown = positionals.find((wanted) => !all.some(({ name }) => name.includes(wanted)));
  if (unknown !== undefined) {
    throw new UsageError(`There is no suite "${unknown}"; there are ${all.map(({ name }) => name).join(", ")}.`);
  }
  const path = (file: string | undefined): string | undefined => (file === undefined ? undefined : resolve(file));
  return {
    suites: all.filter(({ name }) => positionals.length === 0 || positionals.some((wanted) => name.includes(wanted))),
    compare: path(values.compare),
    save: path(values.save),
  };
}

export function usage(all: readonly Suite[]): string {
  const width = Math.max(...all.map(({ name }) => name.length));
  const suites = all.map(({ name, title }) => `  ${name.padEnd(width)}  ${title}`);
  return `npm run bench -- [SUITE …] [--compare FILE] [--save FILE]

${suites.join("\n")}

  --compare FILE  shows what has changed since the run that was saved there
  --save FILE     keeps the results there, besides bench/results/latest.json`;
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { compare: text, save: text, help: { type: "boolean", short: "h" } },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
