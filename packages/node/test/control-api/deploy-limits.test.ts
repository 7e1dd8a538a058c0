import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DeployRequest } from "@nex/protocol";
import { completeNodeOptions, type NodeOptions } from "../../src/config/node-config.ts";
import { deployLimits } from "../../src/control-api/endpoints/deploy-limits.ts";
import type { SandboxLimit } from "@nex/sandboxes";
import { createProcessDriver } from "@nex/sandboxes/testing";

const MIB = 2 ** 20;

function context(
  held: readonly SandboxLimit[],
  limits: NodeOptions["limits"] = {},
): Parameters<typeof deployLimits>[0] {
  return { sandbox: { ...createProcessDriver(), limits: new Set(held) }, config: completeNodeOptions({ limits }) };
}

function request(fields: Partial<DeployRequest>): DeployRequest {
  return fields as DeployRequest;
}

describe("limits of a deploy", () => {
  it("none is asked for, none is narrowed", () => {
    assert.deepEqual(deployLimits(context([]), "elf", request({})), {});
  });

  it("narrows to what is asked for", () => {
    const all = context(["memoryBytes", "cpus", "processes"]);
    const asked = request({ memory_bytes: 64 * MIB, cpus: 0.5, max_processes: 4 });
    assert.deepEqual(deployLimits(all, "javascript", asked), { memoryBytes: 64 * MIB, cpus: 0.5, processes: 4 });
  });

  it("refuses each that would not hold, and says which", () => {
    const few = context(["processes"]);
    for (const asked of [{ memory_bytes: MIB }, { cpus: 1 }])
      assert.throws(() => deployLimits(few, "elf", request(asked)), { code: "unsupported_limit" });
    assert.deepEqual(deployLimits(few, "elf", request({ max_processes: 3 })), { processes: 3 });
  });

  it("refuses to widen what the node gives", () => {
    const all = context(["memoryBytes", "cpus", "processes"], { memory: "128MiB", cpus: 2, processes: 16 });
    for (const asked of [{ memory_bytes: 128 * MIB + 1 }, { cpus: 2.5 }, { max_processes: 17 }])
      assert.throws(() => deployLimits(all, "elf", request(asked)), {
        code: "unsupported_limit",
        message: /^This node gives a workload at most /,
      });
    const most = request({ memory_bytes: 128 * MIB, cpus: 2, max_processes: 16 });
    assert.deepEqual(deployLimits(all, "elf", most), { memoryBytes: 128 * MIB, cpus: 2, processes: 16 });
  });

  it("leaves the memory of a WebAssembly module to the module", () => {
    assert.deepEqual(deployLimits(context([]), "wasm", request({ memory_bytes: 64 * MIB })), {});
    assert.deepEqual(deployLimits(context(["memoryBytes"]), "wasm", request({ memory_bytes: 64 * MIB })), {});
    assert.throws(() => deployLimits(context(["memoryBytes"]), "wasm", request({ memory_bytes: 4096 * MIB })), {
      code: "unsupported_limit",
    });
  });
});
