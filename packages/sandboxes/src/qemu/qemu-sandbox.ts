import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { NexError } from "@nex/protocol";
import type { Sandbox, SandboxEnd, SandboxLimits, SandboxOrder } from "../sandbox.ts";
import { GUEST_LINK_ADDRESS } from "../vm/guest-network.ts";
import { memoryMibFor } from "../vm/vm-spec.ts";
import { openGuestSockets } from "./guest-sockets.ts";
import { Machine } from "./machine.ts";
import { borrowMachineUser, type MachineUser } from "./machine-user.ts";
import type { QmpClient } from "./qmp-client.ts";
import type { MachineKind, SavedStates } from "./saved-states.ts";

export interface QemuSandboxOptions {
  readonly kind: MachineKind & { readonly isRestricted?: boolean; readonly extra?: readonly string[] };
  readonly patience: number;
  /** Absent: every machine boots. */
  readonly states: SavedStates | undefined;
}

/** For a machine to take in its saved state: QEMU reads some hundred megabytes, ms. */
const RESUME_LIMIT_MS = 30_000;

/** For the guest's kernel to give memory back, on the bare machine, ms. */
const BALLOON_LIMIT_MS = 2000;

const LOOK_AGAIN_MS = 10;

/** Ways that QEMU reports before it goes on, while a state is read. */
const LOADING = "inmigrate";

/** One virtual machine with an agent in it. */
export class QemuSandbox implements Sandbox {
  readonly ended: Promise<SandboxEnd>;
  readonly #order: SandboxOrder;
  readonly #options: QemuSandboxOptions;
  readonly #user: MachineUser;
  readonly #stop: AbortController = new AbortController();
  readonly #sockets: AsyncDisposable;
  #machine: Machine | undefined;
  #monitor: QmpClient | undefined;
  #isResumed = false;
  /** The agent is up: from then on the console has nothing routine to say. */
  #hasLooked = false;

  private constructor(order: SandboxOrder, options: QemuSandboxOptions, user: MachineUser, sockets: GuestSockets) {
    this.#order = order;
    this.#options = options;
    this.#user = user;
    this.#sockets = sockets.opened;
    sockets.document = () => this.#document();
    this.ended = this.#run();
  }

  /** Returns at once; the machine comes up, or waits for a state to come up from, behind it. */
  static async start(order: SandboxOrder, options: QemuSandboxOptions): Promise<QemuSandbox> {
    await using stack = new AsyncDisposableStack();
    const user = stack.use(await borrowMachineUser(options.kind.platform.accelerator));
    stack.defer(async () => await rm(order.directory, { recursive: true, force: true }));
    await mkdir(order.directory, { recursive: true });
    const sockets = { document: (): unknown => undefined };
    const opened = await openGuestSockets({
      directory: order.directory,
      uid: user.uid,
      onConnection: order.onConnection,
      document: () => sockets.document(),
    });
    stack.move();
    return new QemuSandbox(order, options, user, Object.assign(sockets, { opened }));
  }

  /**
   * The machine has as much memory as the node allows a workload. For less its kernel gives the rest back to this
   * machine and keeps to what it has; the machine's own size stays the limit that nothing in it can get around.
   */
  async narrow({ memoryBytes }: SandboxLimits): Promise<void> {
    if (memoryBytes === undefined) return;
    const wanted = memoryMibFor(memoryBytes) * 2 ** 20;
    if (wanted >= this.#options.kind.spec.memoryMib * 2 ** 20) return;
    const limit = AbortSignal.timeout(BALLOON_LIMIT_MS * this.#options.patience);
    const monitor = await this.#openMonitor(limit);
    await monitor.setBalloon(wanted);
    while ((await monitor.balloon()) > wanted) {
      if (limit.aborted)
        throw new NexError(
          "sandbox_failed",
          "The machine did not give back the memory that this workload may not have.",
        );
      await sleep(LOOK_AGAIN_MS);
    }
  }

  /** As the machine's kernel tells on its console. */
  oomKills(): number {
    return this.#machine?.oomKills ?? 0;
  }

  /** OpenRC starts the agent again, and at each look for its metadata it finds a new token: nothing is to be done. */
  async revive(): Promise<void> {}

  async destroy(graceMs: number): Promise<void> {
    this.#stop.abort(new NexError("cancelled", "The sandbox is being destroyed."));
    this.#monitor?.[Symbol.dispose]();
    await this.#machine?.end(graceMs);
    await this.ended;
    await this.#user[Symbol.asyncDispose]();
    await this.#sockets[Symbol.asyncDispose]();
    await rm(this.#order.directory, { recursive: true, force: true });
  }

  async #run(): Promise<SandboxEnd> {
    const failed = (error: unknown): SandboxEnd => ({ exitCode: 127, signal: null, reason: (error as Error).message });
    try {
      if ((await this.#resume()) || this.#stop.signal.aborted)
        return (await this.#machine?.ended) ?? failed(this.#stop.signal.reason);
      this.#machine = await this.#startMachine();
      // It was destroyed while QEMU was being started.
      if (this.#stop.signal.aborted) await this.#machine.end(0);
      return await this.#machine.ended;
    } catch (error) {
      return failed(error);
    }
  }

  /** True if there is a state and the machine has come up from it. */
  async #resume(): Promise<boolean> {
    const { states } = this.#options;
    if (states === undefined) return false;
    const file = await unlessAborted(states.open(dirname(this.#order.directory)), this.#stop.signal);
    if (file === undefined) return false;
    const problems: string[] = [];
    try {
      this.#isResumed = true;
      this.#machine = await this.#startMachine(file.fd, (line) => problems.push(line));
      const limit = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(RESUME_LIMIT_MS)]);
      const monitor = await this.#openMonitor(limit);
      while ((await monitor.status()) === LOADING) await sleep(LOOK_AGAIN_MS, undefined, { signal: limit });
      await monitor.cont();
      return true;
    } catch (error) {
      this.#isResumed = false;
      await this.#machine?.end(0);
      this.#machine = undefined;
      this.#monitor?.[Symbol.dispose]();
      this.#monitor = undefined;
      if (!this.#stop.signal.aborted) await states.discard([...problems, (error as Error).message].join(" "));
      return false;
    } finally {
      await file.close();
    }
  }

  async #startMachine(state?: number, onLine?: (line: string) => void): Promise<Machine> {
    const { directory, onOutput } = this.#order;
    return await Machine.start({
      ...this.#options.kind,
      ...this.#user,
      directory,
      ...(state === undefined ? {} : { state, resumes: true }),
      onLine: (line) => {
        onLine?.(line);
        onOutput(line, this.#hasLooked || /panic/i.test(line) ? "trouble" : "routine");
      },
    });
  }

  async #openMonitor(signal: AbortSignal): Promise<QmpClient> {
    if (this.#machine === undefined) throw new NexError("sandbox_failed", "The machine has not been started.");
    this.#monitor ??= await this.#machine.openMonitor(signal);
    return this.#monitor;
  }

  /** Asked for at each look of the agent's, so that token, time and randomness are new each time. */
  #document(): unknown {
    this.#hasLooked = true;
    const { agentId, issueToken } = this.#order;
    const token = issueToken();
    if (token === undefined) return undefined;
    const resume = { unix_ms: Date.now(), entropy: randomBytes(ENTROPY_BYTES).toString("hex") };
    return {
      agent_id: agentId,
      link: GUEST_LINK_ADDRESS,
      token,
      patience: this.#options.patience,
      ...(this.#isResumed ? { resume } : {}),
    };
  }
}

const ENTROPY_BYTES = 32;

interface GuestSockets {
  document: () => unknown;
  readonly opened: AsyncDisposable;
}

/** What comes of `work` too late is closed again. */
async function unlessAborted<T extends AsyncDisposable>(
  work: Promise<T | undefined>,
  signal: AbortSignal,
): Promise<T | undefined> {
  const aborted = Promise.withResolvers<undefined>();
  const abort = (): void => aborted.resolve(undefined);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    const result = await Promise.race([work, aborted.promise]);
    if (signal.aborted) void work.then(async (late) => await late?.[Symbol.asyncDispose]());
    return signal.aborted ? undefined : result;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
