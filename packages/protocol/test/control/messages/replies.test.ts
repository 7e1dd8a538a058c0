import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { z } from "zod";
import { encodeMessage, parseMessage } from "../../../src/control/messages/parse.ts";
import {
  infoResponseSchema,
  lameDuckResponseSchema,
  pingResponseSchema,
  rollbackResponseSchema,
  runResponseSchema,
  stopResponseSchema,
  undeployResponseSchema,
  workloadPingResponseSchema,
} from "../../../src/control/messages/replies.ts";
import { workloadsResponseSchema, workloadSummarySchema } from "../../../src/control/messages/workloads.ts";
import { throwsCode } from "../../expect-nex-error.ts";

const ping = {
  node_id: "NB",
  nexus: "nexus",
  version: "0.2.7",
  uptime: "4m2s",
  target_xkey: "XC",
  tags: { "nex.os": "linux" },
  running_machines: 2,
};
const instances = [{ id: "i", node_id: "N", state: "running", uptime_ms: 5 }];
const summary = {
  name: "orders",
  namespace: "default",
  kind: "javascript",
  revision: 2,
  state: "running",
  triggers: ["orders.*"],
  restarts: 0,
  instances,
  invocations: { ok: 3, failed: 0, in_flight: 1 },
};
const detail = {
  ...summary,
  revisions: [
    {
      revision: 2,
      sha256: "ab".repeat(32),
      size: 10,
      issuer: "A",
      deployed_at: "2026-01-02T03:04:05Z",
      state: "running",
    },
  ],
  deadline_ms: 5000,
  max_in_flight: 8,
  tags: { zone: "a" },
  description: "",
  last_error: { code: "function_failed", message: "m", time: "2026-01-02T03:04:05Z" },
};

/** Whole replies: those of 0.2.7 as it writes them, ours with every field. */
const REPLIES: readonly (readonly [string, z.ZodType<object>, object])[] = [
  ["ping", pingResponseSchema, ping],
  [
    "workload ping",
    workloadPingResponseSchema,
    {
      node_id: "N",
      target_xkey: "X",
      version: "v",
      tags: {},
      uptime: "1s",
      running_machines: [{ id: "i", namespace: "ns", name: "w", type: "v8" }],
    },
  ],
  [
    "info",
    infoResponseSchema,
    {
      version: "0.2.7",
      uptime: "4m2s",
      public_xkey: "XC",
      tags: { "nex.os": "linux" },
      memory: { total: 32768000, free: 1200000, available: 20100000 },
      machines: [
        {
          id: "cq1r8v2s9f0c73e4d5a0",
          healthy: true,
          uptime: "1m3s",
          namespace: "default",
          workload: { name: "echoservice", description: "echo", runtime: "1m3s", type: "native", hash: "9f86" },
        },
      ],
      supported_workload_types: ["native", "v8", "wasm"],
      node_id: "N",
      nexus: "nexus",
      sandbox: "bubblewrap",
      kinds: ["elf"],
    },
  ],
  [
    "run",
    runResponseSchema,
    {
      started: true,
      id: "i",
      issuer: "A",
      name: "w",
      namespace: "ns",
      kind: "wasm",
      revision: 1,
      state: "running",
      instances,
    },
  ],
  ["stop", stopResponseSchema, { stopped: true, id: "i", issuer: "A", name: "w" }],
  ["lame duck", lameDuckResponseSchema, { node_id: "N", success: true }],
  ["undeploy", undeployResponseSchema, { stopped: true, name: "w", instances: ["i"] }],
  [
    "rollback",
    rollbackResponseSchema,
    { name: "w", namespace: "ns", kind: "elf", revision: 3, state: "running", instances },
  ],
  ["workload", workloadSummarySchema, summary],
  ["workloads", workloadsResponseSchema, { node_id: "N", workloads: [detail] }],
];

describe("replies", () => {
  for (const [name, schema, reply] of REPLIES) {
    it(`${name}: comes back whole, is refused with a field of another type`, () => {
      assert.deepEqual(parseMessage(schema, encodeMessage(reply)), reply);
      for (const field of Object.keys(reply)) {
        const wrong = Array.isArray((reply as Record<string, unknown>)[field]) ? "x" : [];
        throwsCode(
          "invalid_request",
          () => parseMessage(schema, encodeMessage({ ...reply, [field]: wrong })),
          new RegExp(field),
        );
      }
    });
  }

  it("are read without what 0.2.7 leaves out when empty", () => {
    const { nexus: _, tags: __, ...bare } = ping;
    assert.deepEqual(parseMessage(pingResponseSchema, encodeMessage(bare)), bare);
    const run = { started: true, id: "i", issuer: "A", name: "w" };
    assert.deepEqual(parseMessage(runResponseSchema, encodeMessage(run)), run);
  });

  it("may name states of a newer release", () => {
    assert.equal(
      parseMessage(workloadSummarySchema, encodeMessage({ ...summary, state: "hibernating" })).state,
      "hibernating",
    );
  });
});
