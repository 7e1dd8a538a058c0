import { type DeployRequest, formatSize, NexError, type WorkloadKind } from "@nex/protocol";
import type { SandboxLimit, SandboxLimits } from "@nex/sandboxes";
import type { NodeConfig } from "../../config/node-config.ts";
import type { ControlContext } from "../context.ts";

const OPTIONS: Readonly<Record<SandboxLimit, { readonly option: string; readonly key: string }>> = {
  memoryBytes: { option: "--memory", key: "limits.memory" },
  cpus: { option: "--cpus", key: "limits.cpus" },
  processes: { option: "--processes", key: "limits.processes" },
};

type LimitContext = Pick<ControlContext, "sandbox" | "config">;

/**
 * What the workload's sandbox is narrowed to.
 * @throws NexError `unsupported_limit` for one that would not hold here, or is wider than the node's own
 */
export function deployLimits(context: LimitContext, kind: WorkloadKind, request: DeployRequest): SandboxLimits {
  const { limits } = context.config;
  const { cpus, max_processes: processes, memory_bytes: memoryBytes } = request;
  // A WebAssembly module carries the limit of its memory within itself, and holds it in any sandbox.
  if (kind !== "wasm" || context.sandbox.limits.has("memoryBytes")) {
    checkLimit(context, "memoryBytes", memoryBytes, limits.memory, formatSize);
  }
  checkLimit(context, "cpus", cpus, limits.cpus, String);
  checkLimit(context, "processes", processes, limits.processes, String);
  return {
    ...(memoryBytes === undefined || kind === "wasm" ? {} : { memoryBytes }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(processes === undefined ? {} : { processes }),
  };
}

function checkLimit(
  { sandbox }: LimitContext,
  limit: SandboxLimit,
  asked: number | undefined,
  most: number | undefined,
  format: (value: number) => string,
): void {
  if (asked === undefined) return;
  const { option, key } = OPTIONS[limit];
  if (!sandbox.limits.has(limit)) {
    throw new NexError(
      "unsupported_limit",
      `The ${sandbox.name} sandbox of this node cannot hold a workload to ${option}. Deploy without it, or on a node whose sandbox can.`,
      { data: { limit: key, sandbox: sandbox.name } },
    );
  }
  if (most === undefined || asked <= most) return;
  throw new NexError(
    "unsupported_limit",
    `This node gives a workload at most ${format(most)}, and ${option} asks for ${format(asked)}. Ask for less, or let the operator raise ${key}.`,
    { data: { limit: key, asked, most } },
  );
}

/** @throws NexError `unsupported_limit` where messages would be held longer, or more of them, than the node allows */
export function checkFunctionLimits({ functions }: NodeConfig, request: DeployRequest): void {
  for (const [field, option] of [
    ["deadline_ms", "--deadline"],
    ["max_waiting", "--max-waiting"],
  ] as const) {
    const asked = request[field];
    const most = functions[`${field}_limit`];
    if (asked === undefined || asked <= most) continue;
    throw new NexError(
      "unsupported_limit",
      `This node takes a ${field} of at most ${most}, and ${option} asks for ${asked}. Ask for less, or let the operator raise functions.${field}_limit.`,
      { data: { limit: `functions.${field}_limit`, asked, most } },
    );
  }
}
