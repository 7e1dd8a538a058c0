import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Figure } from "../figures/figure.ts";
import type { MachineFacts } from "./machine.ts";

/** Of the file format. A file with another one cannot be compared with. */
const VERSION = 1;

export interface SuiteResult {
  readonly name: string;
  readonly title: string;
  readonly figures: readonly Figure[];
}

export interface Results {
  readonly version: typeof VERSION;
  readonly machine: MachineFacts;
  readonly suites: readonly SuiteResult[];
}

export function resultsOf(machine: MachineFacts, suites: readonly SuiteResult[]): Results {
  return { version: VERSION, machine, suites };
}

export async function writeResults(file: string, results: Results): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(results, roundNumber, 2)}\n`);
}

/** @throws Error if the file is missing or not one of ours */
export async function readResults(file: string): Promise<Results> {
  const results = JSON.parse(await readFile(file, "utf8")) as Partial<Results> | null;
  if (results?.version !== VERSION || !Array.isArray(results.suites) || results.machine === undefined) {
    throw new Error(`it is not a result file of version ${VERSION}. Make one with: npm run bench -- --save FILE`);
  }
  return results as Results;
}

/** Six digits are more than any of this is worth. */
function roundNumber(_: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(6)) : value;
}
