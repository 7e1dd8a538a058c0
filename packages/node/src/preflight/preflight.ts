import { findProgram } from "@nex/system";
import { completeNodeOptions, type NodeOptions } from "../config/node-config.ts";
import { type Check, missing, passed, type SandboxDriver, SANDBOXES, type SandboxPrograms } from "@nex/sandboxes";
import { sandboxConfig } from "../config/sandbox-config.ts";

export interface SandboxPreflight {
  readonly name: string;
  /** True if it holds against a hostile workload. */
  readonly is_boundary: boolean;
  readonly usable: boolean;
  readonly checks: readonly Check[];
}

/** What a node could use on this machine. */
export interface PreflightReport {
  /** What `auto` takes; absent if nothing works. */
  readonly sandbox?: string;
  /** Strongest first. */
  readonly sandboxes: readonly SandboxPreflight[];
  /** What the node itself needs. */
  readonly checks: readonly Check[];
}

/** Looks at this machine as a node with this config would when it starts, and changes nothing that stays. @throws NexError `invalid_request` */
export async function preflight(
  options: NodeOptions,
  programs: SandboxPrograms,
  natsServer?: string,
): Promise<PreflightReport> {
  const config = sandboxConfig(completeNodeOptions(options), programs, () => undefined);
  const sandboxes: SandboxPreflight[] = [];
  // One after another: some start a machine to see whether it works.
  for (const { create } of SANDBOXES) sandboxes.push(await lookAt(create(config)));
  const chosen = SANDBOXES.find(
    ({ name, isAutomatic }) => isAutomatic && sandboxes.some((found) => found.name === name && found.usable),
  );
  return {
    ...(chosen === undefined ? {} : { sandbox: chosen.name }),
    sandboxes,
    checks: [passed("node", `Node ${process.versions.node}`), checkNatsServer(natsServer)],
  };
}

async function lookAt(driver: SandboxDriver): Promise<SandboxPreflight> {
  const reason = await driver.unavailable();
  const checks = [...((await driver.preflight?.()) ?? [])];
  if (reason === undefined) checks.push(passed("trial", driver.isBoundary ? "works" : "works, but is no boundary"));
  else if (checks.every(({ ok }) => ok)) checks.push({ name: "trial", ok: false, detail: reason });
  return { name: driver.name, is_boundary: driver.isBoundary, usable: reason === undefined, checks };
}

function checkNatsServer(named: string | undefined): Check {
  const found = named ?? findProgram("nats-server");
  if (found !== undefined) return passed("nats-server", found);
  return missing(
    "nats-server",
    "nats-server is not installed, so `nex up` cannot start one of its own",
    "apt-get install nats-server, or connect to a server with --server",
  );
}
