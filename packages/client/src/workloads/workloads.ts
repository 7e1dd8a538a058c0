import type { WorkloadDetail, WorkloadSummary } from "@nex/protocol";
import type { ClientContext } from "../client-context.ts";
import { toArray } from "../requests/to-array.ts";
import { deploy, type DeployedWorkload } from "./deploy.ts";
import type { DeployOptions } from "./deploy-options.ts";
import { knownWorkloads, locateWorkload } from "./known-workloads.ts";
import { mergeAll, mergeDetails, toSummary } from "./merge.ts";
import { rollback } from "./rollback.ts";
import { stop, type StoppedWorkload } from "./stop.ts";
import { trigger, type TriggerOptions, type TriggerReply } from "./trigger.ts";

export interface NodeChoice {
  /** Id of the only node that is meant. Default: all that run the workload, but for those of nex 0.2.7. */
  readonly node?: string | undefined;
}

/** The workloads of the client's namespace, wherever they run. */
export class Workloads {
  readonly #context: ClientContext;

  constructor(context: ClientContext) {
    this.#context = context;
  }

  /**
   * Uploads, signs, seals, places and deploys; resolves when the workload runs. For a name that runs already this
   * makes the next revision.
   *
   * @throws NexError among others `no_node`, `node_not_found`, `lame_duck`, `invalid_artifact`, `deploy_failed`,
   *   `issuer_not_allowed`, `artifact_quota`, `jetstream_unavailable`, `file_not_found`, `cancelled`
   */
  async deploy(options: DeployOptions): Promise<DeployedWorkload> {
    return await deploy(this.#context, options);
  }

  /** By name. A workload on several nodes is one, with the instances of all. @throws NexError */
  async list(): Promise<WorkloadSummary[]> {
    const known = await toArray(knownWorkloads(this.#context));
    return mergeAll(known.map(({ workload }) => workload)).map(toSummary);
  }

  /**
   * On all nodes together, or on the one that is named. A node of nex 0.2.7 has to be named; it tells neither triggers
   * nor counts, and its workloads have no revisions here.
   * @throws NexError `workload_not_found`, `node_not_found`
   */
  async get(name: string, { node }: NodeChoice = {}): Promise<WorkloadDetail> {
    const known = await locateWorkload(this.#context, name, node);
    return mergeDetails(known.map(({ workload }) => workload) as [WorkloadDetail, ...WorkloadDetail[]]);
  }

  /**
   * Ends a workload on all nodes, or on the one that is named, which may be a node of nex 0.2.7.
   * @throws NexError `workload_not_found`, `node_not_found`, `issuer_not_allowed`
   */
  async stop(name: string, { node }: NodeChoice = {}): Promise<StoppedWorkload> {
    return await stop(this.#context, name, node);
  }

  /**
   * Runs an earlier revision again.
   * @param revision default: the one before the running one
   * @throws NexError `workload_not_found`, `revision_not_found`, `issuer_not_allowed`
   */
  async rollback(name: string, revision?: number): Promise<DeployedWorkload> {
    return await rollback(this.#context, name, revision);
  }

  /**
   * Sends a message that runs a function, and waits for its reply.
   * @throws NexError what the function or its node answered, such as `function_failed` and `deadline_exceeded`;
   *   `workload_not_found`, `invalid_request`, `trigger_unsupported`, `no_node`, `timeout`
   */
  async trigger(name: string, options: TriggerOptions = {}): Promise<TriggerReply> {
    return await trigger(this.#context, name, options);
  }
}
