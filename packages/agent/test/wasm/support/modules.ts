import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { buildC } from "@nex/testing";
import { encodeU32 } from "../../../src/runner/wasm/binary-reader.ts";

/** A program that does what its subject says; built once for a test file. */
export async function buildProbe(): Promise<Buffer> {
  return await buildC(await readFile(join(import.meta.dirname, "../fixtures/probe.c"), "utf8"));
}

export interface Section {
  readonly id: number;
  readonly body: readonly number[];
}

/** A module of these sections, which may be as wrong as they like. */
export function moduleOf(...sections: readonly Section[]): Buffer<ArrayBuffer> {
  const bytes = sections.flatMap(({ id, body }) => [id, ...encodeU32(body.length), ...body]);
  return Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...bytes]);
}

const text = (value: string): number[] => [...encodeU32(Buffer.byteLength(value)), ...Buffer.from(value)];
const EMPTY_SIGNATURE = [0x60, 0, 0];

export const memorySection = (...limits: readonly (readonly number[])[]): Section => ({
  id: 5,
  body: [limits.length, ...limits.flat()],
});

export const tableSection = (...entries: readonly (readonly number[])[]): Section => ({
  id: 4,
  body: [entries.length, ...entries.flat()],
});

/** Sections of a module with one function that does nothing, and room for others among them, in their order. */
export function command({
  exports = ["_start"],
  memory = [0, 1] as readonly number[],
  more = [] as readonly Section[],
} = {}): Buffer<ArrayBuffer> {
  const sections: Section[] = [
    { id: 1, body: [1, ...EMPTY_SIGNATURE] },
    { id: 3, body: [1, 0] },
    memorySection(memory),
    {
      id: 7,
      body: [exports.length + 1, ...exports.flatMap((name) => [...text(name), 0, 0]), ...text("memory"), 2, 0],
    },
    { id: 10, body: [1, 2, 0, 0x0b] },
    ...more,
  ];
  return moduleOf(...sections.sort((left, right) => left.id - right.id));
}

/** A module that imports functions without arguments and does not define any. */
export function importing(...names: readonly (readonly [module: string, name: string])[]): Buffer<ArrayBuffer> {
  return moduleOf(
    { id: 1, body: [1, ...EMPTY_SIGNATURE] },
    { id: 2, body: [names.length, ...names.flatMap(([module, name]) => [...text(module), ...text(name), 0, 0])] },
    memorySection([0, 1]),
    { id: 7, body: [2, ...text("_start"), 0, 0, ...text("memory"), 2, 0] },
  );
}
