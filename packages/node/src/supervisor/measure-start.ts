import { completeNodeOptions, type NodeOptions } from "../config/node-config.ts";
import { sandboxConfig } from "../config/sandbox-config.ts";
import { chooseSandbox, type SandboxPrograms } from "@nex/sandboxes";
import { AgentSession } from "./agent-session.ts";

export interface MeasureStartOptions {
  readonly programs: SandboxPrograms;
  /** Of a node; `sandbox` and its limits are what counts. */
  readonly config?: NodeOptions;
  /** An existing directory that users of sandboxes can pass through. */
  readonly directory: string;
}

/**
 * Starts one sandbox as a node does and destroys it. For benchmarks.
 * @returns from the order to the agent's handshake with a runner ready, ms
 * @throws NexError `sandbox_failed`
 */
export async function measureSandboxStart({ programs, config, directory }: MeasureStartOptions): Promise<number> {
  const complete = completeNodeOptions(config ?? {});
  const { driver } = await chooseSandbox(
    complete.sandbox,
    sandboxConfig(complete, programs, () => undefined),
  );
  const before = performance.now();
  const options = { driver, programs, directory, maxPayload: 1024 * 1024 };
  const session = await AgentSession.start(options, new AbortController().signal);
  const took = performance.now() - before;
  await session.destroy(1000);
  await driver.close?.();
  return took;
}
