import { setTimeout as sleep } from "node:timers/promises";
import type { WorkloadServices } from "@nex/host-services/host";
import type { DeployReply, Link, LogBatch, WorkloadEvent } from "@nex/link";
import { NexError, toNexError } from "@nex/protocol";
import type { WorkloadFeed } from "../feeds/workload-feed.ts";
import type { Dispatcher } from "../functions/dispatcher.ts";
import type { InvocationCounts, TriggerStats } from "../functions/invocation-stats.ts";
import type { Expired, Worker } from "../functions/worker.ts";
import type { AgentSession, AgentSessionListener } from "./agent-session.ts";
import { backoffMs } from "@nex/system";
import { InstanceLife, type InstanceState } from "./instance-state.ts";
import {
  CRASH_LOOP_AFTER,
  DEPLOY_DEADLINE_MS,
  deployOrder,
  READY_MS,
  STABLE_MS,
  STOP_GRACE_MS,
  type WorkloadPlan,
} from "./plan.ts";
import { useNextSandbox } from "./next-sandbox.ts";
import type { SandboxPool } from "./pool.ts";
import { type Runner, RunnerSupervisor } from "./runner-supervisor.ts";
import { ServiceLinks } from "./service-links.ts";

export interface InstanceOptions {
  readonly plan: WorkloadPlan;
  readonly revision: number;
  /** Path of an artifact on this machine, by its SHA-256; fetched again if it is no longer there. */
  readonly artifactFile: (sha256: string) => Promise<string>;
  readonly pool: SandboxPool;
  readonly services: WorkloadServices;
  /** Gives this instance its messages; `undefined` for a service. */
  readonly dispatcher: Dispatcher | undefined;
  readonly feed: WorkloadFeed;
  /** It has been restarted, or has ended by itself. */
  readonly onChange?: (() => void) | undefined;
}

/** One running copy of a workload, kept running through the ends of runners and sandboxes. */
export class Instance implements AgentSessionListener {
  readonly plan: WorkloadPlan;
  readonly revision: number;
  readonly #options: InstanceOptions;
  readonly #life: InstanceLife = new InstanceLife();
  readonly #stop: AbortController = new AbortController();
  readonly #services: ServiceLinks;
  readonly #runners: RunnerSupervisor;
  readonly #worker: Worker | undefined;
  #id = "";
  #session: AgentSession | undefined;
  #concurrency: DeployReply["concurrency"] = "many";
  #failures = 0;
  #restarts = 0;
  #lastError: NexError | undefined;
  /** How the service ended by itself. */
  #ended: NexError | undefined;

  constructor(options: InstanceOptions) {
    this.plan = options.plan;
    this.revision = options.revision;
    this.#options = options;
    this.#worker = options.dispatcher?.addWorker((expired) => this.#onExpired(expired));
    this.#services = new ServiceLinks({
      services: options.services.narrowed(options.plan.hostServiceLimits),
      triggers: options.plan.triggers,
      note: (level, text) => options.feed.note(this.#id, level, text),
      inFlight: () => this.#worker?.inFlight,
      isAlone: () => this.#concurrency === "one" || (options.plan.maxInFlight === 1 && options.plan.replicas === 1),
    });
    this.#runners = new RunnerSupervisor({
      feed: options.feed,
      deadlineMs: options.plan.deadlineMs,
      stop: this.#stop.signal,
      id: () => this.#id,
      session: () => this.#session,
      onReady: (runner) => this.#attach(runner),
      onGone: () => this.#worker?.detach(),
      onReplaced: (error, quickDeaths) => this.#onRunnerReplaced(error, quickDeaths),
      onGivenUp: (error) => void (this.#lastError = error),
    });
  }

  /** Id of the first sandbox: stable for the instance's whole life. */
  get id(): string {
    return this.#id;
  }

  get state(): InstanceState {
    const { state, elapsedMs } = this.#life;
    if (state !== "running") return state;
    if (this.plan.kind === "elf" && elapsedMs < READY_MS - this.plan.readyMs) return "starting";
    return this.#runners.isCrashLooping ? "crash_loop" : state;
  }

  get uptimeMs(): number {
    return this.#life.state === "running" ? this.#life.elapsedMs : 0;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get lastError(): NexError | undefined {
    return this.#lastError;
  }

  get invocations(): Readonly<InvocationCounts> & { readonly in_flight: number } {
    return { ok: 0, failed: 0, ...this.#worker?.stats.counts, in_flight: this.#worker?.inFlight ?? 0 };
  }

  /** Of one of its triggers, by its place in the plan. */
  statsOf(trigger: number): TriggerStats | undefined {
    return this.#worker?.stats.of(trigger);
  }

  /** Deploys into a sandbox; no message is taken yet. @throws NexError; the caller stops the instance then */
  async start(signal: AbortSignal): Promise<void> {
    await this.#deploy(signal);
  }

  /** Counts as running from now on. @throws NexError if the sandbox has been lost meanwhile; the caller stops the instance then */
  async open(): Promise<void> {
    if (this.#session?.isLost !== false) throw await this.#session!.lost;
    this.#enterRunning();
  }

  /**
   * Ends the workload once no message is under way in it.
   * @param drained resolves when that is so. Default: as soon as its own have been answered
   * @returns true if it had to be killed
   */
  async stop(graceMs: number = STOP_GRACE_MS, drained?: Promise<void>): Promise<boolean> {
    if (this.#life.isEnding) return false;
    this.#life.enter("stopping");
    this.#stop.abort(new NexError("cancelled", "The workload is being stopped."));
    await (drained ?? (graceMs > 0 ? this.#retire() : undefined));
    const killed = (await this.#session?.end(graceMs)) ?? false;
    this.#life.enter("stopped");
    return killed;
  }

  onRunner(link: Link, prefix: string): void {
    this.#services.serveRunner(link);
    this.#runners.add(link, prefix);
  }

  onServices(link: Link): void {
    this.#services.serveWaiting(link);
  }

  onLogs(batch: LogBatch): void {
    this.#options.feed.logs(this.#id, batch);
  }

  onEvent(event: WorkloadEvent): void {
    if (event.type === "runner_ready") return;
    let { reason } = event;
    if (event.type === "workload_ended") {
      reason = [reason, this.#session?.takeOutOfMemory()].join(" ").trimEnd();
      const { exit_code, signal } = event;
      this.#ended = new NexError("service_ended", reason, { data: { exit_code, signal } });
    }
    // What follows from it is told where it is seen for certain: the loss of the sandbox, the end of the runner's link.
    this.#options.feed.note(this.#id, this.#life.isEnding ? "info" : "warn", reason);
  }

  onTrouble(text: string): void {
    this.#options.feed.note(this.#id, "warn", text);
  }

  onUnresponsive(link: Link): void {
    const reason =
      "The function did not let go of its process after an invocation's deadline: its runner is killed and replaced. Is there an endless loop?";
    this.#options.feed.note(this.#id, "error", reason);
    link.close(
      new NexError(
        "interrupted",
        "Another invocation blocked the runner past its deadline; the runner was killed. It may have done some of this one's work.",
      ),
    );
  }

  /** The others go on; this one finishes what it has begun. */
  async #retire(): Promise<void> {
    if (this.#worker !== undefined) await this.#options.dispatcher?.retire(this.#worker);
  }

  async #deploy(signal: AbortSignal): Promise<void> {
    const isFirst = this.#id === "";
    await useNextSandbox({
      pool: this.#options.pool,
      signal: AbortSignal.any([signal, this.#stop.signal]),
      use: async (session) => {
        this.#session = session;
        if (isFirst) this.#id = session.id;
        session.listen(this);
        await this.#deployInto(session, signal);
      },
      onLost: ({ message }) =>
        this.#options.feed.note(
          this.#id,
          "warn",
          `A sandbox was lost before it had the workload, the next one is taken: ${message}`,
        ),
    });
    // A service has no runner to care for.
    if (this.plan.triggers.length > 0) this.#runners.use();
  }

  async #deployInto(session: AgentSession, signal: AbortSignal): Promise<void> {
    const { plan, revision, artifactFile } = this.#options;
    const file = await artifactFile(plan.artifact.sha256);
    const order = deployOrder(plan, revision);
    const { concurrency } = await session.deploy(order, file, plan.limits, DEPLOY_DEADLINE_MS, signal);
    if (!this.#runners.hasRunner && plan.triggers.length > 0) {
      throw new NexError("link_protocol", "The agent says that it runs the function, but no runner has said hello.");
    }
    this.#concurrency = concurrency;
  }

  /** Watches the sandbox only from here on: one that was lost on the way to this point is noticed all the same. */
  #enterRunning(): void {
    const session = this.#session!;
    this.#life.enter("running");
    void session.lost.then((reason) => {
      if (this.#session !== session || this.#life.state !== "running") return;
      void (this.#ended !== undefined && !this.plan.essential
        ? this.#finish(this.#ended)
        : this.#restart(this.#ended ?? reason));
    });
  }

  #attach(runner: Runner): void {
    this.#services.renew();
    this.#worker?.attach(runner.link, runner.prefix, this.#concurrency);
  }

  /** The sandbox goes on with a fresh runner. */
  #onRunnerReplaced(reason: NexError, quickDeaths: number): void {
    this.#restarts++;
    this.#options.onChange?.();
    this.#lastError = reason;
    if (quickDeaths === CRASH_LOOP_AFTER) this.#tellCrashLoop(reason);
  }

  #onExpired({ subject, invocationId }: Expired): void {
    const what = `The invocation by a message on "${subject}" had not ended at its deadline of ${this.plan.deadlineMs} ms.`;
    this.#options.feed.note(this.#id, "warn", what, invocationId);
    this.#services.interruptWaits();
  }

  /** A service that is not essential has ended: it stays down until it is stopped or deployed again. */
  async #finish(how: NexError): Promise<void> {
    this.#life.enter("ended");
    this.#options.onChange?.();
    if (how.data["exit_code"] !== 0) this.#lastError = how;
    this.#options.feed.event("workload_undeployed", {
      id: this.#id,
      code: how.data["exit_code"],
      message: how.message,
    });
    await this.#session?.destroy(0);
  }

  /** The sandbox is gone: starts over in a fresh one, more and more slowly. */
  async #restart(reason: NexError): Promise<void> {
    const { feed } = this.#options;
    if (this.#life.elapsedMs > STABLE_MS) this.#failures = 0;
    this.#life.enter("restarting");
    this.#worker?.detach();
    // What else a reason holds may come from the sandbox.
    const { exit_code, signal } = reason.data;
    feed.event("workload_crashed", { id: this.#id, reason: reason.message, exit_code, signal });
    await this.#session?.destroy(0);
    while (!this.#life.isEnding) {
      this.#restarts++;
      this.#options.onChange?.();
      this.#lastError = reason;
      this.#noteCrashLoop(reason);
      // The first restart is immediate: most losses are a single event.
      if (this.#failures > 0) await this.#pause(this.#failures - 1);
      this.#failures++;
      this.#ended = undefined;
      if (this.#life.isEnding) return;
      try {
        await this.#deploy(this.#stop.signal);
        if (this.#life.isEnding) return;
        this.#enterRunning();
        feed.event("workload_restarting", { id: this.#id, restarts: this.#restarts, state: "running" });
        return;
      } catch (error) {
        await this.#session?.destroy(0);
        reason = toNexError(error);
        feed.note(this.#id, "error", `Restart ${this.#restarts} failed: ${reason.message}`);
      }
    }
  }

  /** Whether it fails to come up or comes up and fails soon: past a number of times in a row that has a name. */
  #noteCrashLoop(reason: NexError): void {
    if (this.#failures < CRASH_LOOP_AFTER || this.#life.state !== "restarting") return;
    this.#life.enter("crash_loop");
    this.#tellCrashLoop(reason);
  }

  #tellCrashLoop({ message: reason }: NexError): void {
    this.#options.feed.event("workload_crash_loop", { id: this.#id, restarts: this.#restarts, reason });
  }

  async #pause(failures: number): Promise<void> {
    await sleep(backoffMs(failures), undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }
}
