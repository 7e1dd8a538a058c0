import { createHash } from "node:crypto";
import type { WorkloadPlan } from "../../src/supervisor/plan.ts";

export type PlanOptions = Partial<Omit<WorkloadPlan, "artifact" | "claims">>;

/** A complete plan for a JavaScript function. By default it is `default/fn` with the trigger `fn`. */
export function functionPlan(source: string | Uint8Array, options: PlanOptions = {}): WorkloadPlan {
  const { name = "fn" } = options;
  const bytes = Buffer.from(source);
  return {
    namespace: "default",
    name,
    kind: "javascript",
    description: "",
    env: {},
    argv: [],
    readyMs: 1000,
    triggers: [name],
    connect: [],
    tags: {},
    replicas: 1,
    essential: false,
    // Far more than any test needs: only tests about deadlines may meet one, however busy the machine.
    deadlineMs: 20_000,
    maxInFlight: 64,
    maxWaiting: 1024,
    limits: {},
    ...options,
    artifact: { sha256: createHash("sha256").update(bytes).digest("hex"), size: bytes.length },
    claims: { id: "test", issuer: "A".repeat(56), name, issuedAt: Date.now() },
  };
}
