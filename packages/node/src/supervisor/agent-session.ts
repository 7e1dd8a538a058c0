import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  artifact,
  callMethod,
  decode,
  deploy,
  type DeployOrder,
  type DeployReply,
  EVENT_CODE,
  type Link,
  replaceRunner,
  runnerToken,
  serveMethod,
  servicesToken,
  undeploy,
  workloadEvent,
  type WorkloadEvent,
} from "@nex/link";
import { isNexError, NexError } from "@nex/protocol";
import { RateLimit } from "@nex/system";
import type { Sandbox, SandboxDriver, SandboxLimits, SandboxPrograms } from "@nex/sandboxes";
import { serveTunnels } from "../tunnels/tunnels.ts";
import { newAgentId } from "./agent-id.ts";
import { ArtifactDownload } from "./artifact-download.ts";
import { LinkListener } from "./link-listener.ts";
import { RunnerLinks, type RunnerLinksListener } from "./runner-links.ts";
import { SandboxOutput } from "./sandbox-output.ts";

/** Between the start of a sandbox and its agent being ready, on the bare machine, ms. */
const START_DEADLINE_MS = 30_000;

/** Under emulation a boot takes seconds where it took tenths; nothing that takes longer than this will come, ms. */
const LONGEST_START_MS = 180_000;

/** Between the end of an agent's link and the news of its process's end, ms. */
const EXIT_NOTICE_MS = 250;

const LONGEST_EXIT_NOTICE_MS = 1000;

/** What an agent may report: a runner that ends at once is replaced more and more slowly. */
const EVENTS_PER_SECOND = 5;
const EVENT_BURST = 50;

/** Why something in a sandbox was killed, where the kernel has counted it. */
const OUT_OF_MEMORY = "It had reached its memory limit, and the kernel ended a process of it.";

/** Agents that may die one after another in a sandbox before it counts as broken. */
const MAX_REVIVALS = 5;

/** For the agent itself to end after its workload has, ms. */
const AGENT_GRACE_MS = 2000;
const LONGEST_AGENT_GRACE_MS = 10_000;

export interface AgentSessionOptions {
  readonly driver: SandboxDriver;
  readonly programs: SandboxPrograms;
  /** Parent of the sandboxes' own directories. */
  readonly directory: string;
  readonly maxPayload: number;
}

/** What a session tells its owner. Set after the session was taken from the pool. */
export interface AgentSessionListener extends RunnerLinksListener {
  onEvent(event: WorkloadEvent): void;
  /** The agent's own output, and hellos that were refused. */
  onTrouble(text: string): void;
  /** A runner did not acknowledge a cancel: its event loop stands still. */
  onUnresponsive(link: Link): void;
}

/** A sandbox from its start to its destruction, with the links that come out of it. */
export class AgentSession {
  readonly id: string = newAgentId();
  /** Resolves with why the agent can no longer be reached, and will not be again. */
  readonly lost: Promise<NexError>;
  readonly startedAt: number = Date.now();
  readonly #options: AgentSessionOptions;
  readonly #linkListener: LinkListener;
  readonly #resolveLost: (reason: NexError) => void;
  readonly #gone: PromiseWithResolvers<void> = Promise.withResolvers();
  /** A new one each time the agent is started again. */
  #ready: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #output: SandboxOutput = new SandboxOutput();
  #sandbox: Sandbox | undefined;
  #agent: Link | undefined;
  readonly #runners: RunnerLinks = new RunnerLinks(this.id);
  #listener: AgentSessionListener | undefined;
  readonly #artifact: ArtifactDownload = new ArtifactDownload();
  #destroyed: Promise<void> | undefined;
  #oomKills = 0;
  /** From the first deploy on no other agent may come in: what is inside has seen a workload. */
  #isUsed = false;
  #isReady = false;
  #revivals = 0;

  private constructor(options: AgentSessionOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<NexError>();
    this.lost = promise;
    this.#resolveLost = resolve;
    this.#linkListener = new LinkListener({
      maxPayload: options.maxPayload,
      invocationPrefix: () => this.#runners.prefix,
      onAdmitted: (role, link) => {
        if (role === "agent") this.#onAgent(link);
        else if (role === "runner") this.#runners.addRunner(link);
        else this.#runners.addServices(link);
      },
      onRefused: (error) => this.#output.add(`A hello was refused: ${error.message}`),
      patience: options.driver.patience,
      onUnresponsive: (link) => {
        if (link === this.#agent) link.close(new NexError("sandbox_failed", "The agent no longer answers."));
        else this.#listener?.onUnresponsive(link);
      },
    });
    this.#ready.promise.catch(() => undefined);
  }

  /** Starts a sandbox and waits until its agent is idle with a runner ready. @throws NexError `sandbox_failed` */
  static async start(options: AgentSessionOptions, signal: AbortSignal): Promise<AgentSession> {
    const session = new AgentSession(options);
    try {
      await session.#start(signal);
      return session;
    } catch (error) {
      await session.destroy(0);
      throw sandboxFailed(error, options.driver.name);
    }
  }

  /** Resolves when nothing of the sandbox is left. */
  get destroyed(): Promise<void> {
    return this.#gone.promise;
  }

  get isLost(): boolean {
    return this.#agent === undefined || this.#agent.isClosed;
  }

  /** What ends the sandbox from then on may be the workload. */
  get hasGivenArtifact(): boolean {
    return this.#artifact.isTaken;
  }

  /** How much longer than on the bare machine things may take here. */
  get patience(): number {
    return this.#options.driver.patience;
  }

  /** Hands the session to its one owner; what came in before is told now. */
  listen(listener: AgentSessionListener): void {
    this.#listener = listener;
    this.#output.forwardTo((line) => listener.onTrouble(line));
    this.#runners.listen(listener);
  }

  /**
   * @param file the verified artifact on this machine
   * @param limits of this workload, narrower than the sandbox's own
   */
  async deploy(
    order: DeployOrder,
    file: string,
    limits: SandboxLimits,
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<DeployReply> {
    // It may be that the agent died while it waited, and its init system is starting the next one.
    await this.#ready.promise;
    this.#isUsed = true;
    this.#linkListener.revoke("agent");
    await this.#sandbox?.narrow(limits);
    this.#artifact.allow({ path: file, size: order.size, sha256: order.sha256 });
    const link = this.#link();
    // Where the sandbox has the machine's network, the destinations are there already.
    const connect = this.#options.driver.network === "none" ? order.connect : [];
    serveTunnels({ link, destinations: connect, note: (text) => this.#output.add(text) });
    try {
      return await callMethod(link, deploy, { ...order, connect }, { deadlineMs: deadlineMs * this.patience, signal });
    } catch (error) {
      const why = this.takeOutOfMemory();
      if (why === undefined || !(error instanceof NexError)) throw error;
      throw new NexError(error.code, `${error.message} ${why}`, { cause: error, data: error.data });
    }
  }

  /** Says so, if the kernel has ended something in here for want of memory since this was last asked. */
  takeOutOfMemory(): string | undefined {
    const before = this.#oomKills;
    this.#oomKills = this.#sandbox?.oomKills?.() ?? 0;
    return this.#oomKills > before ? OUT_OF_MEMORY : undefined;
  }

  async replaceRunner(graceful: boolean): Promise<void> {
    await callMethod(this.#link(), replaceRunner, { graceful }, { deadlineMs: this.#startDeadlineMs });
  }

  /** Ends the workload: TERM, grace, KILL. Then the sandbox. True if the workload had to be killed. */
  async end(graceMs: number): Promise<boolean> {
    let killed = false;
    if (!this.isLost) {
      const order = { grace_ms: graceMs };
      const deadlineMs = graceMs + Math.min(AGENT_GRACE_MS * this.patience, LONGEST_AGENT_GRACE_MS);
      killed = await callMethod(this.#link(), undeploy, order, { deadlineMs }).then(
        (reply) => reply.killed,
        () => true,
      );
    }
    await this.destroy(AGENT_GRACE_MS);
    return killed;
  }

  /** Takes the sandbox away whatever its state. Never throws. */
  async destroy(graceMs: number): Promise<void> {
    this.#destroyed ??= this.#destroy(graceMs);
    await this.#destroyed;
  }

  get #startDeadlineMs(): number {
    return Math.min(START_DEADLINE_MS * this.patience, LONGEST_START_MS);
  }

  async #start(signal: AbortSignal): Promise<void> {
    const { driver, programs, directory } = this.#options;
    this.#sandbox = await driver.start({
      agentId: this.id,
      issueToken: () => (this.#isUsed ? undefined : this.#linkListener.issueToken("agent")),
      directory: join(directory, this.id),
      programs,
      onConnection: this.#linkListener.onConnection,
      onOutput: (line, kind) => this.#output.add(line, kind),
    });
    const abort = (): void => this.#fail("the node is stopping");
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    void this.#sandbox.ended.then(({ exitCode, signal: by, reason }) => {
      const how = reason ?? by ?? `exit code ${exitCode}`;
      this.#fail(`it ended (${how})`);
      const text = [`The sandbox ended by itself (${how}).`, this.takeOutOfMemory()].join(" ").trimEnd();
      this.#resolveLost(new NexError("sandbox_failed", text, { data: { exit_code: exitCode, signal: by } }));
    });
    try {
      await this.#whenReady();
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async #whenReady(): Promise<void> {
    const limit = this.#startDeadlineMs;
    const timer = setTimeout(() => this.#fail(`its agent was not ready within ${limit / 1000} s`), limit);
    try {
      await this.#ready.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #becomeReady(): void {
    this.#isReady = true;
    this.#ready.resolve();
  }

  #fail(why: string): void {
    this.#ready.reject(
      new NexError(
        "sandbox_failed",
        `The ${this.#options.driver.name} sandbox did not start: ${why}.${this.#output.explain()}`,
      ),
    );
  }

  /** Whether an agent that has died before it had a workload is followed by another one. */
  #canRevive(): boolean {
    return (
      !this.#isUsed &&
      this.#destroyed === undefined &&
      this.#sandbox?.revive !== undefined &&
      this.#revivals < MAX_REVIVALS
    );
  }

  /** Waits for the next agent. It may come in at any moment, so nothing is awaited before we are ready for it. */
  async #revive(reason: NexError): Promise<boolean> {
    this.#revivals++;
    this.#agent = undefined;
    // Who waits for the first one to be ready may as well wait for the next.
    if (this.#isReady) {
      this.#isReady = false;
      this.#ready = Promise.withResolvers();
      this.#ready.promise.catch(() => undefined);
    }
    this.#output.add(`The agent ended while it waited for a workload: ${reason.message}`);
    try {
      await this.#sandbox!.revive!();
      await this.#whenReady();
      return true;
    } catch {
      return false;
    }
  }

  async #onAgentClosed(link: Link, reason: NexError): Promise<void> {
    if (link !== this.#agent) return;
    if (this.#canRevive()) {
      // A machine that has ended ends this wait too, and has said by then how it ended.
      if (await this.#revive(reason)) return;
    } else if (reason.code === "link_closed") {
      // A link that ends because its agent has died says less than the death itself.
      const notice = Math.min(EXIT_NOTICE_MS * this.patience, LONGEST_EXIT_NOTICE_MS);
      await Promise.race([this.#sandbox?.ended, sleep(notice, undefined, { ref: false })]);
    }
    this.#resolveLost(reason);
  }

  /** @throws NexError `link_token` for a second agent beside the first, which would take its place */
  #onAgent(link: Link): void {
    if (!this.isLost)
      throw new NexError("link_token", "The sandbox has an agent already.", { data: { role: "agent" } });
    this.#agent = link;
    void link.closed.then(async (reason) => await this.#onAgentClosed(link, reason));
    serveMethod(link, runnerToken, () => ({ token: this.#linkListener.issueToken("runner") }));
    serveMethod(link, servicesToken, () => ({ token: this.#linkListener.issueToken("services") }));
    serveMethod(link, artifact, async (_, call) => await this.#artifact.send(call));
    this.#runners.takeLogs(link);
    const events = new RateLimit(EVENTS_PER_SECOND, EVENT_BURST);
    link.handleNotify(EVENT_CODE, (body) => {
      if (!events.take()) throw new NexError("link_protocol", "The agent reports more events than can have happened.");
      const event = decode("event", workloadEvent, body);
      if (event.type === "runner_ready") this.#becomeReady();
      else this.#listener?.onEvent(event);
    });
  }

  #link(): Link {
    if (this.#agent === undefined) throw new NexError("link_closed", "The agent has not said hello.");
    return this.#agent;
  }

  async #destroy(graceMs: number): Promise<void> {
    this.#ready.reject(new NexError("sandbox_failed", "The sandbox was destroyed before it was ready."));
    // Closing the agent's link makes it end its workload and itself; the driver kills what does not follow.
    this.#linkListener.close(new NexError("link_closed", "The sandbox is being destroyed."));
    await this.#sandbox?.destroy(graceMs);
    this.#resolveLost(new NexError("link_closed", "The sandbox was destroyed."));
    this.#gone.resolve();
  }
}

/** Whatever kept a sandbox from starting, as a directory that cannot be made or a file that cannot be opened. */
function sandboxFailed(thrown: unknown, driver: string): NexError {
  if (isNexError(thrown)) return thrown;
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  return new NexError("sandbox_failed", `The ${driver} sandbox did not start: ${why}.`, { cause: thrown });
}
