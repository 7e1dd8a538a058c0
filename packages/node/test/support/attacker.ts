import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { buildStaticProgram, temporaryDirectory } from "@nex/testing";
import type { PlanOptions } from "./plan.ts";
import type { TestSystem } from "./system.ts";

/** The service that attacks its machine, built; `argv` of its deploy says how. */
export async function buildAttacker(): Promise<Buffer> {
  await using directory = await temporaryDirectory("nex-attacker-");
  const path = join(directory.path, "attacker");
  await buildStaticProgram(join(import.meta.dirname, "../sandboxes/hostile/fixtures/attacker.c"), path);
  return await readFile(path);
}

/** How a deploy tells the attacker what to do. */
export function attack(...argv: readonly (string | number)[]): PlanOptions {
  return { name: "attacker", kind: "elf", triggers: [], argv: argv.map(String) };
}

/** How an attack went, as the attacker says once it has tried. */
export async function outcomeOf(system: TestSystem, name: string): Promise<"succeeded" | "held"> {
  const pattern = new RegExp(`^${name} (succeeded|held) `);
  const { text } = await system.told.log(`${name} `);
  return pattern.exec(text)?.[1] as "succeeded" | "held";
}
