import { NexError } from "../errors.ts";

/** What a workload can be. 0.2.7's wire says `native`, `v8` and `wasm` for the same. */
export const WORKLOAD_KINDS = ["elf", "javascript", "wasm"] as const;
export type WorkloadKind = (typeof WORKLOAD_KINDS)[number];

/** What functions reach through their node, as configs and deploys name it. */
export const HOST_SERVICES = ["kv", "messaging", "object_store", "http"] as const;
export type HostServiceName = (typeof HOST_SERVICES)[number];

const NAME = /^[A-Za-z0-9_-]{1,63}$/;

/** Namespace of the node's own events. No workload may live there. */
export const SYSTEM_NAMESPACE = "system";

/** True for 1 to 63 letters, digits, `_` and `-`: one subject token that is also a bucket name's part. */
export function isName(value: string): boolean {
  return NAME.test(value);
}

/** @throws NexError `invalid_name` */
export function checkName(what: "workload" | "namespace", value: string): string {
  if (isName(value) && !(what === "namespace" && value.toLowerCase() === SYSTEM_NAMESPACE)) return value;
  const shown = value.length > 80 ? `${value.slice(0, 80)}…` : value;
  const why =
    what === "namespace" && value.toLowerCase() === SYSTEM_NAMESPACE
      ? `"${SYSTEM_NAMESPACE}" is kept for the nodes' own events`
      : "a name is 1 to 63 letters, digits, `_` or `-`";
  throw new NexError("invalid_name", `The ${what} name "${shown}" cannot be used: ${why}.`, {
    data: { what, value: shown },
  });
}

const LEGACY: ReadonlyMap<string, WorkloadKind> = new Map([
  ["native", "elf"],
  ["v8", "javascript"],
  ["wasm", "wasm"],
  ["elf", "elf"],
  ["javascript", "javascript"],
]);

/** Reads a kind in our words or 0.2.7's; `undefined` for anything else. */
export function parseKind(value: string): WorkloadKind | undefined {
  return LEGACY.get(value);
}

/** The word 0.2.7's wire uses for a kind. */
export function legacyKind(kind: WorkloadKind): "native" | "v8" | "wasm" {
  return kind === "elf" ? "native" : kind === "javascript" ? "v8" : "wasm";
}
