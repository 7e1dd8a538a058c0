import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  agreeOnVersion,
  callMethod,
  deploy,
  type DeployOrder,
  type DeployReply,
  EVENT_CODE,
  hello,
  type Link,
  LINK_VERSION,
  LOGS_CODE,
  replaceRunner,
  serveMethod,
  undeploy,
  type WorkloadEvent,
} from "@nex/link";
import { NexError } from "@nex/protocol";
import { AgentLife } from "./life/state.ts";
import { LogBatcher } from "./logs/log-batcher.ts";
import type { RunningWorkload } from "./providers/provider.ts";
import { RunnerSource, type RunnerSourceOptions } from "./runner-process/runner-source.ts";
import type { Tunnels } from "./tunnels/tunnels.ts";

export interface AgentOptions {
  readonly link: Link;
  readonly token: string;
  /** How much longer than on the bare machine things may take here before they count as stuck. */
  readonly patience: number;
  readonly runner: Omit<RunnerSourceOptions, "logs" | "patience">;
  /** Where the sandbox's resolver looks names up first. */
  readonly hostsFile: string;
}

const HELLO_DEADLINE_MS = 5000;

/** For what is left of the workload when the node is gone, ms. */
const ORPHAN_GRACE_MS = 1000;

const loadDeploying = async () => await import("./deploying.ts");

/** Manages exactly one workload, from its deploy to its end, on behalf of the node at the other end of the link. */
export class Agent {
  readonly gone: Promise<void>;
  readonly #link: Link;
  readonly #token: string;
  readonly #patience: number;
  readonly #life: AgentLife = new AgentLife();
  readonly #logs: LogBatcher;
  readonly #runners: RunnerSource;
  readonly #directory: string;
  readonly #hostsFile: string;
  readonly #stop: AbortController = new AbortController();
  readonly #resolveGone: () => void;
  #workload: RunningWorkload | undefined;
  #tunnels: Tunnels | undefined;

  constructor(options: AgentOptions) {
    this.#link = options.link;
    this.#token = options.token;
    this.#patience = options.patience;
    this.#directory = options.runner.directory;
    this.#hostsFile = options.hostsFile;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gone = promise;
    this.#resolveGone = resolve;
    this.#logs = new LogBatcher({
      get congested() {
        return options.link.congested;
      },
      send: (batch) => this.#link.notify(LOGS_CODE, Buffer.from(JSON.stringify(batch))),
    });
    this.#runners = new RunnerSource({ ...options.runner, logs: this.#logs, patience: options.patience });
    serveMethod(this.#link, deploy, async (order) => await this.#deploy(order));
    serveMethod(this.#link, undeploy, async ({ grace_ms }) => ({ killed: await this.stop(grace_ms) }));
    serveMethod(this.#link, replaceRunner, async ({ graceful }) => {
      await this.#replaceRunner(graceful);
      return null;
    });
    void this.#link.closed.then(async () => await this.stop(ORPHAN_GRACE_MS));
  }

  /** Says hello and gets a runner ready. @throws NexError `link_token`, `link_version` */
  async start(): Promise<void> {
    this.#runners.startAhead();
    const { version } = await callMethod(
      this.#link,
      hello,
      { token: this.#token, role: "agent", version: LINK_VERSION },
      { deadlineMs: HELLO_DEADLINE_MS * this.#patience },
    );
    agreeOnVersion(version);
    if (this.#life.state !== "starting") return;
    this.#life.enter("idle");
    await this.#runners.admit(this.#link);
    this.#report({ type: "runner_ready" });
    void loadDeploying();
  }

  /** Ends the workload and then the agent. True if the workload had to be killed. */
  async stop(graceMs: number): Promise<boolean> {
    if (!this.#life.beginStopping()) {
      await this.gone;
      return false;
    }
    this.#stop.abort();
    const killed = (await this.#workload?.stop(graceMs)) ?? false;
    await this.#tunnels?.close();
    await this.#runners.discard();
    this.#logs.flush();
    this.#life.enter("gone");
    // After the reply to the undeploy that brought us here has been written.
    setImmediate(() => {
      this.#link.close(new NexError("link_closed", "The agent has ended."));
      // The process ends next, and must not take the last frames with it.
      void this.#link.gone.then(this.#resolveGone);
    });
    return killed;
  }

  async #deploy(order: DeployOrder): Promise<DeployReply> {
    if (this.#life.state !== "idle") {
      throw new NexError(
        "already_deployed",
        `This agent is ${this.#life.state}: an agent takes one workload in its life. Deploy to a fresh sandbox.`,
        {
          data: { state: this.#life.state },
        },
      );
    }
    this.#life.enter("deploying");
    try {
      const { providerFor, pullArtifact, Tunnels } = await loadDeploying();
      const provider = providerFor(order.kind);
      mkdirSync(this.#directory, { recursive: true });
      const path = join(this.#directory, "artifact");
      await pullArtifact(this.#link, order, path, this.#stop.signal);
      // Before the workload starts: it may connect with its first instruction.
      this.#tunnels = await Tunnels.open({
        link: this.#link,
        destinations: order.connect,
        hostsFile: this.#hostsFile,
      });
      const host = {
        logs: this.#logs,
        directory: this.#directory,
        runners: this.#runners,
        report: (event: WorkloadEvent) => this.#report(event),
      };
      this.#workload = await provider.deploy(order, path, host);
      this.#life.enter("running");
    } catch (error) {
      this.#logs.flush();
      setImmediate(() => void this.stop(0));
      throw error;
    }
    const workload = this.#workload;
    void workload.ended.then(async (event) => {
      this.#logs.flush();
      this.#report(event);
      await this.stop(0);
    });
    return workload.reply;
  }

  async #replaceRunner(graceful: boolean): Promise<void> {
    const replace = this.#workload?.replaceRunner;
    if (this.#life.state !== "running" || replace === undefined) {
      throw new NexError(
        "invalid_request",
        `There is no function whose runner could be replaced: the agent is ${this.#life.state}.`,
      );
    }
    await replace.call(this.#workload, graceful);
  }

  #report(event: WorkloadEvent): void {
    this.#link.notify(EVENT_CODE, Buffer.from(JSON.stringify(event)));
  }
}
