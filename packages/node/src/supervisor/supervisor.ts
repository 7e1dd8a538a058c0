import {
  ByteBudget,
  type HostServicesConfig,
  hostServicesSchema,
  type StorageBuckets,
  WorkloadServices,
} from "@nex/host-services/host";
import type { NatsConnection } from "@nats-io/transport-node";
import { NexError, type WorkloadDetail } from "@nex/protocol";
import type { Feeds } from "../feeds/feeds.ts";
import { completeNodeOptions, type NodeConfig } from "../config/node-config.ts";
import { SubjectRules } from "../triggers/subject-rules.ts";
import { WorkloadFeed } from "../feeds/workload-feed.ts";
import type { WorkloadPlan } from "./plan.ts";
import type { SandboxPool } from "./pool.ts";
import type { DeployRecorder } from "./deploy-recorder.ts";
import { type AdoptedWorkload, Workload, type WorkloadParts } from "./workload.ts";

/** A namespace's connection for as long as a workload needs it. */
export interface ConnectionLease extends AsyncDisposable {
  readonly connection: NatsConnection;
  /** A connection with rights to these buckets. Default: the namespace's own. */
  readonly storage?: (buckets: StorageBuckets) => Promise<NatsConnection>;
}

export interface SupervisorOptions {
  readonly nodeId: string;
  readonly pool: SandboxPool;
  readonly feeds: Feeds;
  /** Path of an artifact on this machine, by its SHA-256. */
  readonly artifactFile: (sha256: string) => Promise<string>;
  readonly lease: (namespace: string) => Promise<ConnectionLease>;
  /** Default: all services with their defaults. */
  readonly hostServices?: HostServicesConfig;
  /** Where workloads may send to. Default: everywhere but what NATS keeps for itself. */
  readonly subjects?: SubjectRules;
  /** Bytes that may be held. Default: the config's own defaults. */
  readonly heldBytes?: NodeConfig["functions"]["held_bytes"];
  /** A workload has been restarted, or has ended by itself. */
  readonly onChange?: (workload: Workload) => void;
}

interface Entry {
  readonly workload: Workload;
  readonly lease: ConnectionLease;
  readonly services: WorkloadServices;
  readonly heldBytes: ByteBudget;
  /** Deploys under way or in line. */
  deploys: number;
}

/** All workloads of a node. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #workloads: Map<string, Entry> = new Map();
  readonly #stop: AbortController = new AbortController();
  readonly #heldLimits: NodeConfig["functions"]["held_bytes"];
  readonly #heldBytes: ByteBudget;
  readonly #namespaceBudgets: Map<string, ByteBudget> = new Map();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#heldLimits = options.heldBytes ?? completeNodeOptions({}).functions.held_bytes;
    this.#heldBytes = new ByteBudget(this.#heldLimits.node, "functions of this node");
  }

  /** Running copies of workloads on this node. */
  get instanceCount(): number {
    return [...this.#workloads.values()].reduce((count, { workload }) => count + workload.instances.length, 0);
  }

  /** Hashes of all artifacts in use or kept for a rollback. */
  get artifacts(): Set<string> {
    return new Set([...this.#workloads.values()].flatMap(({ workload }) => workload.artifacts));
  }

  /** Knows from now on what an earlier run of the node left. */
  async adopt(adopted: AdoptedWorkload): Promise<Workload> {
    const { plan } = adopted.running;
    const known = this.#workloads.get(keyOf(plan.namespace, plan.name));
    if (known !== undefined) {
      known.workload.adopt(adopted);
      return known.workload;
    }
    const entry = this.#newEntry(plan, await this.#options.lease(plan.namespace));
    entry.workload.adopt(adopted);
    this.#workloads.set(keyOf(plan.namespace, plan.name), entry);
    return entry.workload;
  }

  /** Brings an adopted workload up. @throws NexError; it is kept with the reason */
  async resume({ namespace, name }: Workload): Promise<void> {
    const entry = this.#workloads.get(keyOf(namespace, name));
    if (entry?.workload.isAdopted === true) await entry.workload.resume(this.#parts(entry), this.#stop.signal);
  }

  /** @param signal withdraws a deploy that has not taken over yet */
  async deploy(plan: WorkloadPlan, recorder?: DeployRecorder, signal?: AbortSignal): Promise<WorkloadDetail> {
    const key = keyOf(plan.namespace, plan.name);
    const lease = await this.#options.lease(plan.namespace);
    const known = this.#workloads.get(key);
    if (known !== undefined) await lease[Symbol.asyncDispose]();
    const entry = known ?? this.#newEntry(plan, lease);
    // Known from now on, so that a second deploy of the same name waits for this one.
    this.#workloads.set(key, entry);
    entry.deploys++;
    try {
      const stop = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
      await entry.workload.deploy(plan, this.#parts(entry), stop, recorder);
      return entry.workload.describe();
    } finally {
      entry.deploys--;
      await this.#forgetIfUnused(key, entry);
    }
  }

  async rollback(
    namespace: string,
    name: string,
    revision: number,
    recorder?: DeployRecorder,
  ): Promise<WorkloadDetail> {
    const entry = this.#find(namespace, name);
    await entry.workload.rollback(revision, this.#parts(entry), this.#stop.signal, recorder);
    return entry.workload.describe();
  }

  /** Has so many instances of what runs, one at least. @throws NexError `workload_not_found` */
  async resize(namespace: string, name: string, count: number): Promise<void> {
    const entry = this.#find(namespace, name);
    await entry.workload.resize(count, this.#parts(entry), this.#stop.signal);
  }

  /** @throws NexError `workload_not_found` */
  async stop(namespace: string, name: string): Promise<void> {
    this.#find(namespace, name);
    await this.end(namespace, name);
  }

  /** Ends whatever there is of a workload, also one that is only coming up. */
  async end(namespace: string, name: string): Promise<void> {
    const key = keyOf(namespace, name);
    const entry = this.#workloads.get(key);
    if (entry === undefined) return;
    await entry.workload.stop();
    await this.#forget(key, entry);
  }

  async stopInstance(workload: Workload, id: string): Promise<void> {
    await workload.stopInstance(id);
    const key = keyOf(workload.namespace, workload.name);
    const entry = this.#workloads.get(key);
    if (entry?.workload === workload) await this.#forgetIfUnused(key, entry);
  }

  /** @throws NexError `workload_not_found` */
  get(namespace: string, name: string): Workload {
    return this.#find(namespace, name).workload;
  }

  find(namespace: string, name: string): Workload | undefined {
    return this.#workloads.get(keyOf(namespace, name))?.workload;
  }

  /** The workload one of whose instances has this id. */
  findByInstance(id: string): Workload | undefined {
    return this.running().find((workload) => workload.instances.some((instance) => instance.id === id));
  }

  /** Workloads that are up, of one namespace or of all. */
  running(namespace?: string): Workload[] {
    return this.known(namespace).filter(({ current }) => current !== undefined);
  }

  /** Workloads that are up, or coming up for the first time. */
  known(namespace?: string): Workload[] {
    return [...this.#workloads.values()]
      .map(({ workload }) => workload)
      .filter(
        (workload) => workload.plan !== undefined && (namespace === undefined || workload.namespace === namespace),
      );
  }

  /** Ends every workload. */
  async close(): Promise<void> {
    this.#stop.abort(new NexError("cancelled", "The node is stopping."));
    await Promise.all(
      [...this.#workloads].map(async ([key, entry]) => {
        await entry.workload.stop();
        await this.#forget(key, entry);
      }),
    );
  }

  #find(namespace: string, name: string): Entry {
    const found = this.#workloads.get(keyOf(namespace, name));
    if (found?.workload.plan !== undefined) return found;
    throw new NexError(
      "workload_not_found",
      `There is no workload "${name}" in the namespace "${namespace}" on this node.`,
      { data: { namespace, name } },
    );
  }

  #newEntry({ namespace, name }: WorkloadPlan, lease: ConnectionLease): Entry {
    const { nodeId, feeds, hostServices, subjects = new SubjectRules({ denied: [] }) } = this.#options;
    const heldBytes = new ByteBudget(
      this.#heldLimits.workload,
      `the function "${name}"`,
      this.#namespaceBudget(namespace),
    );
    return {
      workload: new Workload(namespace, name, nodeId, new WorkloadFeed(feeds, namespace, name)),
      lease,
      services: new WorkloadServices({
        workload: { namespace, name },
        config: hostServices ?? hostServicesSchema.parse({}),
        connection: lease.connection,
        storage: async (buckets) => (await lease.storage?.(buckets)) ?? lease.connection,
        checkSubject: (subject) => subjects.checkMessage(namespace, subject),
        heldBytes,
      }),
      heldBytes,
      deploys: 0,
    };
  }

  /** One for all workloads of the namespace; it goes with the last of them. */
  #namespaceBudget(namespace: string): ByteBudget {
    const known = this.#namespaceBudgets.get(namespace);
    if (known !== undefined) return known;
    const made = new ByteBudget(
      this.#heldLimits.namespace,
      `functions of the namespace "${namespace}"`,
      this.#heldBytes,
    );
    this.#namespaceBudgets.set(namespace, made);
    return made;
  }

  #parts({ workload, lease, services, heldBytes }: Entry): WorkloadParts {
    const { pool, artifactFile, onChange } = this.#options;
    return {
      pool,
      artifactFile,
      connection: lease.connection,
      services,
      heldBytes,
      onChange: () => onChange?.(workload),
    };
  }

  /** A workload without instances is kept only for the deploys that wait for their turn. */
  async #forgetIfUnused(key: string, entry: Entry): Promise<void> {
    if (entry.deploys === 0 && entry.workload.instances.length === 0 && !entry.workload.isAdopted)
      await this.#forget(key, entry);
  }

  async #forget(key: string, entry: Entry): Promise<void> {
    if (this.#workloads.get(key) !== entry) return;
    this.#workloads.delete(key);
    const { namespace } = entry.workload;
    if (![...this.#workloads.values()].some(({ workload }) => workload.namespace === namespace))
      this.#namespaceBudgets.delete(namespace);
    await entry.lease[Symbol.asyncDispose]();
  }
}

function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
