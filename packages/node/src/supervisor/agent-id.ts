import { randomBytes } from "node:crypto";

/** 20 characters of `0-9a-v`, as 0.2.7 names its agents and workloads. */
export function newAgentId(): string {
  return [...randomBytes(20)].map((byte) => (byte & 31).toString(32)).join("");
}
