export { ArtifactCache } from "./artifacts/artifact-cache.ts";
export { ARTIFACT_BUCKET, ArtifactStore } from "./artifacts/artifact-store.ts";
export { Feeds } from "./feeds/feeds.ts";
export { chooseSandbox, SANDBOX_DRIVERS } from "./sandboxes/registry.ts";
export type { Sandbox, SandboxDriver, SandboxName, SandboxOrder, SandboxPrograms } from "./sandboxes/sandbox.ts";
export { AgentSession } from "./supervisor/agent-session.ts";
export type { WorkloadPlan } from "./supervisor/plan.ts";
export { SandboxPool } from "./supervisor/pool.ts";
export { Supervisor } from "./supervisor/supervisor.ts";
