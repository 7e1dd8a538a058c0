import type { DeployOrder, DeployReply, WorkloadEvent } from "@nex/link";
import type { WorkloadKind } from "@nex/protocol";
import type { LogBatcher } from "../logs/log-batcher.ts";
import type { RunnerSource } from "../runner-process/runner-source.ts";

/** What an agent gives its providers. */
export interface ProviderHost {
  readonly logs: LogBatcher;
  /** The workload's own working directory. */
  readonly directory: string;
  /** The runner that was started ahead, and the way to get another. */
  readonly runners: RunnerSource;
  report(event: WorkloadEvent): void;
}

/** A workload that is up. */
export interface RunningWorkload {
  readonly reply: DeployReply;
  /** Resolves when the workload ends by itself, with what to tell the node. Functions never end by themselves. */
  readonly ended: Promise<WorkloadEvent>;
  /** Replaces the process that runs the function. Absent for services. */
  readonly replaceRunner?: (graceful: boolean) => Promise<void>;
  /** TERM, grace, KILL. True if it had to be killed. */
  stop(graceMs: number): Promise<boolean>;
}

/** Runs one kind of workload. A new kind is a folder here and a line in `registry.ts`. */
export interface Provider {
  readonly kind: WorkloadKind;
  /** @param artifactPath the verified artifact, readable and executable by this user only */
  deploy(order: DeployOrder, artifactPath: string, host: ProviderHost): Promise<RunningWorkload>;
}
