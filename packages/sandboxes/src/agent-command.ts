import type { SandboxPrograms } from "./sandbox.ts";

/** An agent holds little and does little: keep V8 small and without helper threads. */
const V8_FLAGS = ["--max-old-space-size=96", "--max-semi-space-size=1", "--v8-pool-size=1"];

/**
 * Descriptors of an agent beyond output and error: metadata, then the programs, so that no path must be open to
 * its user.
 */
export const AgentDescriptor = { metadata: 3, runner: 4, agent: 5, node: 6 } as const;

/** By these an agent's programs are named where they are handed over as descriptors. */
export const PROGRAMS_BY_DESCRIPTOR: Readonly<Record<"node" | "agent" | "runner", string>> = {
  node: descriptorPath(AgentDescriptor.node),
  agent: descriptorPath(AgentDescriptor.agent),
  runner: descriptorPath(AgentDescriptor.runner),
};

export function descriptorPath(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}

/** Starts an agent that works in `directory`. */
export function agentCommand({ node, agent, runner }: SandboxPrograms, directory: string): string[] {
  return [node, ...V8_FLAGS, "--preserve-symlinks-main", agent, "--runner", runner, "--directory", directory];
}
