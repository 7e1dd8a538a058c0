/**
 * Control a Nex system from TypeScript.
 *
 * ```ts
 * import { NexClient } from "@nex/client";
 *
 * await using nex = await NexClient.connect({ connectOptions: { servers: "nats://127.0.0.1:4222" } });
 *
 * await nex.workloads.deploy({
 *   name: "greeter",
 *   kind: "javascript",
 *   artifact: new TextEncoder().encode("export default (event) => `Hello, ${event.text()}!`;"),
 *   triggers: ["greet"],
 * });
 * const { data } = await nex.workloads.trigger("greeter", { data: "Ada" });
 * console.log(new TextDecoder().decode(data)); // Hello, Ada!
 *
 * for (const { name, state, instances } of await nex.workloads.list()) console.log(name, state, instances.length);
 * await nex.workloads.stop("greeter");
 * ```
 *
 * Everything that fails throws a `NexError`, whose `code` is one of `docs/errors.md`.
 */
export type { Artifact } from "./artifacts/artifact-source.ts";
export type { NexClientOptions } from "./client-options.ts";
export type { Events, FollowEventsOptions } from "./feeds/events.ts";
export type { Feed, FollowOptions } from "./feeds/follow.ts";
export type { FollowLogsOptions, Logs } from "./feeds/logs.ts";
export { defaultIssuerPath } from "./issuer/default-path.ts";
export { loadOrCreateIssuer } from "./issuer/load-issuer.ts";
export { NexClient } from "./nex-client.ts";
export type { NodeInfoOptions, Nodes } from "./nodes.ts";
export type { DeployOptions, DeployStage, HostServiceOptions } from "./workloads/deploy-options.ts";
export type { DeployedWorkload } from "./workloads/deploy.ts";
export type { StoppedWorkload } from "./workloads/stop.ts";
export type { TriggerOptions, TriggerReply } from "./workloads/trigger.ts";
export type { NodeChoice, Workloads } from "./workloads/workloads.ts";
