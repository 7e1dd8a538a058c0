import { NexError } from "@nex/protocol";
import type { Supervisor } from "../supervisor/supervisor.ts";

export interface PlannedDeploy {
  readonly namespace: string;
  readonly name: string;
  readonly issuer: string;
  readonly replicas: number;
  /** SHA-256 of its artifact, where it is known before the transfer. */
  readonly artifact: string | undefined;
}

/**
 * The deploys that were admitted and do not run yet. What they will take counts as taken from the start, so that
 * several at one time cannot together have what none of them may have alone.
 */
export class DeploysUnderWay {
  readonly #supervisor: Supervisor;
  readonly #maxInstances: number;
  readonly #planned: Set<PlannedDeploy> = new Set();

  /** @param maxInstances instances the node runs at most; 0 for no limit */
  constructor(supervisor: Supervisor, maxInstances: number) {
    this.#supervisor = supervisor;
    this.#maxInstances = maxInstances;
  }

  /** Hashes of artifacts that are about to be used. */
  get artifacts(): string[] {
    return [...this.#planned].map(({ artifact }) => artifact).filter((artifact) => artifact !== undefined);
  }

  /**
   * Admits a deploy until disposed of.
   * @throws NexError `issuer_not_allowed` for a name that is another's, `no_sandbox` where the node is full
   */
  begin(deploy: PlannedDeploy): Disposable {
    this.#checkOwner(deploy);
    this.#checkRoom(deploy);
    this.#planned.add(deploy);
    return { [Symbol.dispose]: () => this.#planned.delete(deploy) };
  }

  /** A workload belongs to whoever deployed it first; nobody else may replace it. */
  #checkOwner({ namespace, name, issuer }: PlannedDeploy): void {
    const running = this.#supervisor.running(namespace).find((workload) => workload.name === name);
    const planned = [...this.#planned].find((other) => other.namespace === namespace && other.name === name);
    const owner = running?.current?.claims.issuer ?? planned?.issuer;
    if (owner === undefined || owner === issuer) return;
    throw new NexError(
      "issuer_not_allowed",
      `The workload "${name}" exists already and belongs to another issuer, ${owner}. Choose another name.`,
      { data: { owner, issuer } },
    );
  }

  #checkRoom({ replicas }: PlannedDeploy): void {
    const max_instances = this.#maxInstances;
    const planned = [...this.#planned].reduce((total, deploy) => total + deploy.replicas, 0);
    if (max_instances === 0 || this.#supervisor.instanceCount + planned + replicas <= max_instances) return;
    throw new NexError(
      "no_sandbox",
      `Node is at maximum workload limit. Deploy request denied: ${max_instances} instances may run here.`,
      { data: { max_instances } },
    );
  }
}
