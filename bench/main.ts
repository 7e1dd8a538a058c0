/** `npm run bench`: measures Nex beside bare NATS and prints ratios. `README.md` tells how and why. */
import { constants } from "node:os";
import { join, relative } from "node:path";
import { readCommandLine, usage, UsageError, type CommandLine } from "./command-line.ts";
import { startEnvironment } from "./environment.ts";
import { loadAverage, machineFacts } from "./report/machine.ts";
import { showProgress } from "./report/progress.ts";
import { renderMachine, renderSuite, renderTargets } from "./report/render.ts";
import { readResults, type Results, resultsOf, type SuiteResult, writeResults } from "./report/results.ts";
import { deadline } from "./suites/deadline.ts";
import { deploy } from "./suites/deploy.ts";
import { fleet } from "./suites/fleet.ts";
import { fleetScale } from "./suites/fleet-scale.ts";
import { held } from "./suites/held.ts";
import { hostServices } from "./suites/host-services.ts";
import { latency } from "./suites/latency.ts";
import { machines } from "./suites/machines.ts";
import { memory } from "./suites/memory.ts";
import { restart } from "./suites/restart.ts";
import { sandboxes } from "./suites/sandboxes.ts";
import type { Suite } from "./suites/suite.ts";
import { throughput } from "./suites/throughput.ts";
import { wasm } from "./suites/wasm.ts";

const SUITES: readonly Suite[] = [
  latency,
  throughput,
  deadline,
  hostServices,
  wasm,
  deploy,
  memory,
  held,
  restart,
  fleet,
  fleetScale,
  sandboxes,
  machines,
];

const LATEST = join(import.meta.dirname, "results", "latest.json");

async function bench({ suites, compare, save }: CommandLine, interrupted: Promise<never>): Promise<void> {
  const earlier = compare === undefined ? undefined : await readEarlier(compare);
  const loadBefore = loadAverage();
  showProgress("starting");
  await using environment = await startEnvironment();
  const machine = machineFacts(environment.serverVersion, loadBefore);
  print(renderMachine(machine));
  if (loadBefore > machine.cores / 2) print("The machine is busy: expect figures that scatter.");
  if (earlier !== undefined) print(`before: ${renderMachine(earlier.machine)}`);
  const done: SuiteResult[] = [];
  for (const suite of suites) {
    const reason = suite.unavailable?.();
    if (reason !== undefined) {
      print(`\n${suite.name}  left out: ${reason}`);
      continue;
    }
    const progress = (text: string): void => showProgress(`${suite.name}: ${text}`);
    const figures = await Promise.race([suite.run({ environment, progress }), interrupted]);
    const result = { name: suite.name, title: suite.title, figures };
    done.push(result);
    print(`\n${renderSuite(result, earlier)}`);
  }
  const results = resultsOf(machine, done);
  for (const file of [LATEST, ...(save === undefined ? [] : [save])]) await writeResults(file, results);
  print(`\n${renderTargets(done)} · results in ${relative(process.cwd(), save ?? LATEST)}`);
}

async function readEarlier(file: string): Promise<Results> {
  try {
    return await readResults(file);
  } catch (cause) {
    throw new UsageError(`Nothing can be compared with ${file}: ${(cause as Error).message}`, { cause });
  }
}

function print(text: string): void {
  showProgress("");
  process.stdout.write(`${text}\n`);
}

/** Somebody wants the bench to end. What it has started is ended first. */
class Interruption extends Error {
  readonly exitCode: number;

  constructor(signal: "SIGINT" | "SIGTERM") {
    super("interrupted");
    this.exitCode = 128 + constants.signals[signal];
  }
}

function isExpected(error: unknown): error is UsageError | Interruption {
  return error instanceof UsageError || error instanceof Interruption;
}

async function main(): Promise<void> {
  const { promise: interrupted, reject } = Promise.withResolvers<never>();
  interrupted.catch(() => {});
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => reject(new Interruption(signal)));
  try {
    const commandLine = readCommandLine(process.argv.slice(2), SUITES);
    if (commandLine === "help") print(usage(SUITES));
    else await bench(commandLine, interrupted);
  } catch (error) {
    showProgress("");
    process.stderr.write(`bench: ${isExpected(error) ? error.message : String((error as Error).stack)}\n`);
    process.exitCode = isExpected(error) ? error.exitCode : 1;
  }
}

await main();
