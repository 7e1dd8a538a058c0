/**
 * The Nex node.
 *
 * ```ts
 * const node = await NexNode.start({ nats: { connect: { servers: "nats://127.0.0.1:4222" } }, programs });
 * console.log(node.id, node.server, node.sandbox);
 * await node.close();
 * ```
 */
export { NexNode, type NexNodeOptions } from "./node.ts";
export { completeNodeOptions, type NodeConfig, type NodeOptions } from "./config/node-config.ts";
export type { NamespaceCredentials } from "./connections/namespace-credentials.ts";
export { weighPayloadsWithTheHeap } from "./payload-memory.ts";
export { preflight, type PreflightReport, type SandboxPreflight } from "./preflight/preflight.ts";
export { readNexusKey } from "./state/identity.ts";
export { defaultStateDirectory } from "./state/state-directory.ts";
export { SANDBOX_NAMES, type SandboxName, type SandboxPrograms } from "@nex/sandboxes";
export { type MachineStages, measureMachineStart, type MeasureMachineOptions } from "./supervisor/measure-machine.ts";
export { measureSandboxStart, type MeasureStartOptions } from "./supervisor/measure-start.ts";
export { SUPPORTED_KINDS, VERSION } from "./version.ts";
