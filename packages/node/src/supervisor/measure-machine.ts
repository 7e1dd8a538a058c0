import { NexError } from "@nex/protocol";
import { completeNodeOptions, type NodeOptions } from "../config/node-config.ts";
import { SANDBOXES, type SandboxPrograms } from "@nex/sandboxes";
import { sandboxConfig } from "../config/sandbox-config.ts";
import { AgentSession } from "./agent-session.ts";

/** When a virtual machine had come how far, since the order, ms. */
export interface MachineStages {
  /** Its kernel has started the initramfs's first program. One that begins with a saved state does not come by there. */
  readonly init?: number;
  /** Its agent has dialled the link; the hello is on the way. */
  readonly link: number;
  /** Its agent has a runner ready. */
  readonly ready: number;
}

export interface MeasureMachineOptions {
  readonly programs: SandboxPrograms;
  readonly config: NodeOptions;
  /** An existing directory that users of sandboxes can pass through. */
  readonly directory: string;
  /** Called while the machine is up. */
  readonly whileUp?: () => void;
}

const INIT = /nex initramfs: started/;

/** Starts one QEMU machine as a node does and destroys it. For benchmarks. @throws NexError `sandbox_failed` */
export async function measureMachineStart(options: MeasureMachineOptions): Promise<MachineStages> {
  const { programs, directory, whileUp } = options;
  const config = completeNodeOptions(options.config);
  const driver = SANDBOXES.find(({ name }) => name === "qemu")!.create(
    sandboxConfig(config, programs, () => undefined),
  );
  const reason = await driver.unavailable();
  if (reason !== undefined) throw new NexError("sandbox_failed", `QEMU cannot be used on this machine: ${reason}`);
  const before = performance.now();
  const since = (): number => performance.now() - before;
  let init: number | undefined;
  let link: number | undefined;
  const start: typeof driver.start = async (order) =>
    await driver.start({
      ...order,
      onOutput: (line) => {
        if (INIT.test(line)) init ??= since();
        order.onOutput(line);
      },
      onConnection: (socket) => {
        link ??= since();
        order.onConnection(socket);
      },
    });
  const watched = { ...driver, patience: driver.patience, start };
  const session = await AgentSession.start(
    { driver: watched, programs, directory, maxPayload: 1024 * 1024 },
    new AbortController().signal,
  );
  const ready = since();
  whileUp?.();
  await session.destroy(1000);
  await driver.close?.();
  return { ...(init === undefined ? {} : { init }), link: link ?? ready, ready };
}
