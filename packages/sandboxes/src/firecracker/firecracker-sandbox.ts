import { randomBytes } from "node:crypto";
import { NexError } from "@nex/protocol";
import type { Sandbox, SandboxConfig, SandboxDriver, SandboxEnd, SandboxLimits, SandboxOrder } from "../sandbox.ts";
import { GUEST_LINK_ADDRESS } from "../vm/guest-network.ts";
import { readMachineImage } from "../vm/machine-image.ts";
import { type VmSpec, vmSpec } from "../vm/vm-spec.ts";
import {
  type ApiRequest,
  changeMetadata,
  configureMachine,
  loadSnapshot,
  resumeMachine,
  setLogger,
  setMetadata,
  startMachine,
} from "./api/requests.ts";
import { type Cgroups, findCgroups, narrowCpus } from "./cgroup.ts";
import { bootFiles } from "./jail.ts";
import { sweepLeftovers } from "./leftovers.ts";
import { Machine, type MachineHost } from "./machine.ts";
import { checkFirecracker, findFirecracker } from "./requirements.ts";
import { trialBoot } from "./trial-boot.ts";
import { type SavedMachine, saveWarmMachine } from "./warm-template.ts";

/** The agent in a Firecracker virtual machine, in the jail that comes with it. */
export function createFirecrackerDriver(config: SandboxConfig): SandboxDriver {
  const machines = new FirecrackerMachines(config);
  return {
    name: "firecracker",
    isBoundary: true,
    network: "none",
    limits: new Set(["cpus"]),
    patience: 1,
    unavailable: async () => await machines.unavailable(),
    preflight: async () => await checkFirecracker(config),
    start: async (order) => await machines.start(order),
  };
}

/** What the machines of one node have in common. */
class FirecrackerMachines {
  readonly #config: SandboxConfig;
  #trial: Promise<string | undefined> | undefined;
  #swept: Promise<unknown> | undefined;
  #template: { readonly imageId: string; readonly saved: Promise<SavedMachine> } | undefined;
  #templates = 0;

  constructor(config: SandboxConfig) {
    this.#config = config;
  }

  /** Looks first, then boots a kernel, once: where everything is in place it may still not work. */
  async unavailable(): Promise<string | undefined> {
    const failed = (await checkFirecracker(this.#config)).find(({ ok }) => !ok);
    if (failed !== undefined) return failed.detail;
    this.#trial ??= this.#tryBoot();
    return await this.#trial;
  }

  async start(order: SandboxOrder): Promise<Sandbox> {
    const host = this.#host();
    // What dead nodes left is in nobody's way, so the first machine need not wait for it to work.
    this.#swept ??= sweepLeftovers(host).catch((error: unknown) => order.onOutput(String(error)));
    await this.#swept;
    const spec = await this.#spec();
    if (!this.#config.firecracker.snapshots) return await this.#boot(host, spec, order);
    const saved = await this.#savedMachine(host, spec).catch((error: unknown) => {
      order.onOutput(`No machine could be saved to start others from, so this one boots: ${String(error)}`);
      return undefined;
    });
    return saved === undefined ? await this.#boot(host, spec, order) : await this.#resume(host, spec, order, saved);
  }

  async #boot(host: MachineHost, spec: VmSpec, order: SandboxOrder): Promise<Sandbox> {
    return await this.#launch(host, spec, order, {}, [
      ...configureMachine(spec, this.#config.firecracker),
      setMetadata(agentDocument(order)),
      startMachine,
    ]);
  }

  /** A copy of a machine has its clock and its random numbers too; the agent has both set anew before it does anything. */
  async #resume(host: MachineHost, spec: VmSpec, order: SandboxOrder, saved: SavedMachine): Promise<Sandbox> {
    const resume = { unix_ms: Date.now(), entropy: randomBytes(32).toString("hex") };
    return await this.#launch(host, spec, order, saved, [
      setLogger,
      loadSnapshot,
      setMetadata({ ...agentDocument(order), resume }),
      resumeMachine,
    ]);
  }

  async #launch(
    host: MachineHost,
    spec: VmSpec,
    order: SandboxOrder,
    saved: Partial<SavedMachine>,
    requests: readonly ApiRequest[],
  ): Promise<Sandbox> {
    const machine = await Machine.launch(host, {
      id: order.agentId,
      spec,
      cpus: this.#config.limits.cpus,
      files: { ...bootFiles(spec.image), ...saved },
      onConnection: order.onConnection,
      onOutput: order.onOutput,
    });
    try {
      await machine.api.send(...requests);
      return new FirecrackerSandbox(machine, order, host.cgroups);
    } catch (error) {
      await machine.destroy(0);
      throw error;
    }
  }

  async #savedMachine(host: MachineHost, spec: VmSpec): Promise<SavedMachine> {
    if (this.#template?.imageId !== spec.image.id) {
      const saved = saveWarmMachine(host, spec, this.#config.firecracker, ++this.#templates);
      this.#template = { imageId: spec.image.id, saved };
    }
    return await this.#template.saved;
  }

  async #tryBoot(): Promise<string | undefined> {
    return await trialBoot(this.#host(), await this.#spec(), this.#config.firecracker);
  }

  async #spec(): Promise<VmSpec> {
    return vmSpec(await readMachineImage(this.#config.imageDirectory), this.#config.limits, this.#config.diskBytes);
  }

  #host(): MachineHost {
    const { binary, jailer } = findFirecracker(this.#config);
    const cgroups = findCgroups();
    if (binary === undefined || jailer === undefined || cgroups === undefined) {
      throw new NexError("sandbox_failed", "Firecracker cannot be used on this machine. See `nex node preflight`.");
    }
    return { firecracker: binary, jailer, base: this.#config.firecracker.chroot_base, cgroups };
  }
}

class FirecrackerSandbox implements Sandbox {
  readonly ended: Promise<SandboxEnd>;
  readonly #machine: Machine;
  readonly #order: SandboxOrder;
  readonly #cgroups: Cgroups;

  constructor(machine: Machine, order: SandboxOrder, cgroups: Cgroups) {
    this.#machine = machine;
    this.#order = order;
    this.#cgroups = cgroups;
    this.ended = machine.ended;
  }

  async narrow({ cpus }: SandboxLimits): Promise<void> {
    if (cpus !== undefined) await narrowCpus(this.#cgroups, this.#machine.name, cpus);
  }

  async revive(): Promise<void> {
    // It is not resumed a second time: clock and random numbers are its own by now.
    await this.#machine.api.send(changeMetadata({ ...agentDocument(this.#order), resume: null }));
  }

  async destroy(graceMs: number): Promise<void> {
    await this.#machine.destroy(graceMs);
  }
}

/** What the agent starts from. */
function agentDocument({ agentId, issueToken }: SandboxOrder): Record<string, unknown> {
  const token = issueToken();
  if (token === undefined) throw new NexError("sandbox_failed", "No agent may come into this sandbox any more.");
  return { agent_id: agentId, link: GUEST_LINK_ADDRESS, token };
}
