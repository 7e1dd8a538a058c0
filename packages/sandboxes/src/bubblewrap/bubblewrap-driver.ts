import { findCgroups } from "../cgroups/cgroups.ts";
import type { SandboxConfig, SandboxDriver } from "../sandbox.ts";
import { BubblewrapSandbox } from "./bubblewrap-sandbox.ts";
import { findBubblewrap } from "./find-bubblewrap.ts";
import { tryBubblewrap } from "./trial.ts";

const MISSING = "`bwrap` is not installed. Install it with: sudo apt-get install bubblewrap";

function notAProgram(path: string): string {
  return `${path}, which NEX_BUBBLEWRAP names, is no program, and \`bwrap\` is not on PATH either`;
}

/** What a trial of each program has shown. It takes some tens of milliseconds, and a machine does not change under a running node. */
const trials: Map<string, Promise<string | undefined>> = new Map();

/**
 * The agent in namespaces of its own, by bubblewrap: it sees a handful of files and no network, and the kernel
 * holds it to its limits. A boundary as strong as the Linux kernel.
 */
export function createBubblewrapDriver(config: SandboxConfig): SandboxDriver {
  const program = process.platform === "linux" ? findBubblewrap(config.bubblewrap) : undefined;
  const cgroups = findCgroups();
  return {
    name: "bubblewrap",
    isBoundary: true,
    network: config.shareNetwork ? "host" : "none",
    limits: cgroups.limits,
    limitsRemedy:
      "this node may not make control groups with them. Run it as root, or in a service or scope of systemd with Delegate=yes",
    patience: 1,
    async unavailable() {
      if (process.platform !== "linux") return "it needs Linux";
      if (program === undefined) return config.bubblewrap === undefined ? MISSING : notAProgram(config.bubblewrap);
      let trial = trials.get(program);
      if (trial === undefined) {
        trial = tryBubblewrap(program);
        trials.set(program, trial);
      }
      return await trial;
    },
    start: async (order) => await BubblewrapSandbox.start(order, config, program ?? "bwrap"),
  };
}
