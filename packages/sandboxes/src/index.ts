/** Walls around one workload each. Knows nothing of workloads themselves: what runs inside is an agent. */
export { type Check, missing, passed } from "./check.ts";
export { type FirecrackerConfig, type FirecrackerOptions, firecrackerSchema } from "./firecracker/config.ts";
export { type QemuConfig, type QemuOptions, qemuSchema } from "./qemu/config.ts";
export { type ChosenSandbox, chooseSandbox, SANDBOXES } from "./registry.ts";
export {
  type OutputKind,
  type Sandbox,
  SANDBOX_NAMES,
  type SandboxConfig,
  type SandboxDriver,
  type SandboxLimit,
  type SandboxLimits,
  type SandboxName,
  type SandboxOrder,
  type SandboxPrograms,
} from "./sandbox.ts";
