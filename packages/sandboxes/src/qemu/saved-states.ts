import { createHash } from "node:crypto";
import { type FileHandle, mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { NexError } from "@nex/protocol";
import type { SandboxEnd } from "../sandbox.ts";
import { openGuestSockets } from "./guest-sockets.ts";
import { Machine, type MachineStart } from "./machine.ts";
import { borrowMachineUser } from "./machine-user.ts";
import { QemuDescriptor } from "./command-line.ts";

/** What every machine of a node has in common. */
export type MachineKind = Pick<MachineStart, "qemu" | "spec" | "platform" | "socat">;

export interface SavedStatesOptions {
  readonly kind: MachineKind & { readonly version: string };
  readonly cacheDirectory: string;
  readonly onWarning: (line: string) => void;
}

/**
 * The saved machine's clock. So long ago that what reseeds itself by time does so when the clock is set at the
 * resume, as OpenSSL's generator in the agent does after an hour.
 */
const SAVED_CLOCK = "2001-01-01T00:00:00";

/** Looks of the agent for its metadata before the state is saved: by then its code has been translated and is warm. */
const LOOKS = 5;

/** After an answer to the agent, until it sleeps before its next look, ms: so it is saved with no connection open. */
const AFTER_ANSWER_MS = 50;

const BOOT_LIMIT_MS = 180_000;
const SAVE_LIMIT_MS = 120_000;

/** A state that no node has used for so long goes, ms. */
const KEEP_MS = 7 * 24 * 3_600_000;

/**
 * The state of one machine that was booted until its agent waited for metadata, and then frozen in a file. All later
 * machines of the node begin from it, which takes a tenth of a boot.
 */
export class SavedStates {
  readonly #options: SavedStatesOptions;
  readonly #stop: AbortController = new AbortController();
  #made: Promise<string | undefined> | undefined;

  constructor(options: SavedStatesOptions) {
    this.#options = options;
  }

  /**
   * The state, opened for one machine; made first if it is not there.
   * @param runtime directory in which a machine may have its own
   * @returns `undefined` if none can be had: then machines boot
   */
  async open(runtime: string): Promise<FileHandle | undefined> {
    this.#made ??= this.#find(runtime);
    const path = await this.#made;
    if (path === undefined) return undefined;
    try {
      const file = await open(path);
      const now = new Date();
      await utimes(path, now, now);
      return file;
    } catch {
      // Somebody has tidied up: the next one makes it again.
      this.#made = undefined;
      return undefined;
    }
  }

  /** It does not work: machines boot from now on. */
  async discard(why: string): Promise<void> {
    const path = await this.#made;
    this.#made = Promise.resolve(undefined);
    if (path === undefined) return;
    this.#options.onWarning(`The saved state of the virtual machine is of no use, so that machines boot: ${why}`);
    await rm(path, { force: true });
  }

  /** Ends the machine whose state is being made. */
  async close(): Promise<void> {
    this.#stop.abort(new NexError("cancelled", "The node is stopping."));
    await this.#made;
  }

  async #find(runtime: string): Promise<string | undefined> {
    try {
      const directory = join(this.#options.cacheDirectory, "machine-states");
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const path = join(directory, await fileName(this.#options.kind));
      await removeStale(directory);
      if ((await stat(path).catch(() => undefined)) === undefined) await this.#make(runtime, path);
      return path;
    } catch (error) {
      if (!this.#stop.signal.aborted)
        this.#options.onWarning(
          `The state of a booted machine could not be saved, so that every machine boots: ${(error as Error).message}`,
        );
      return undefined;
    }
  }

  async #make(runtime: string, path: string): Promise<void> {
    const { kind } = this.#options;
    const partial = `${path}.${process.pid}.partial`;
    await using stack = new AsyncDisposableStack();
    stack.defer(async () => await rm(partial, { force: true }));
    const user = stack.use(await borrowMachineUser(kind.platform.accelerator));
    const directory = await mkdtemp(join(runtime, "saving-"));
    stack.defer(async () => await rm(directory, { recursive: true, force: true }));
    const file = stack.use(await open(partial, "wx", 0o600));
    // Until it is written it belongs to the machine, and from then on to the node again.
    if (user.uid !== undefined) await file.chown(user.uid, user.uid);
    const waiting = Promise.withResolvers<void>();
    let looks = 0;
    stack.use(
      await openGuestSockets({
        directory,
        uid: user.uid,
        onConnection: (socket) => socket.destroy(),
        document: () => {
          if (++looks === LOOKS) waiting.resolve();
          return undefined;
        },
      }),
    );
    const lines: string[] = [];
    const machine = await Machine.start({
      ...kind,
      ...user,
      directory,
      rtc: SAVED_CLOCK,
      state: file.fd,
      onLine: (line) => void (lines.push(line) > 20 && lines.shift()),
    });
    stack.defer(async () => await machine.end(1000));
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(BOOT_LIMIT_MS + SAVE_LIMIT_MS)]);
    await unlessEnded(machine, waiting.promise, lines, AbortSignal.any([signal, AbortSignal.timeout(BOOT_LIMIT_MS)]));
    using monitor = await machine.openMonitor(signal);
    await sleep(AFTER_ANSWER_MS, undefined, { signal });
    await monitor.stop();
    // QEMU keeps descriptors from the programs that it starts, but a program can ask for its parent's.
    await monitor.migrate(`cat > /proc/$PPID/fd/${QemuDescriptor.state}`, signal);
    await machine.end(1000);
    if (user.uid !== undefined) await file.chown(process.getuid!(), process.getgid!());
    await file.sync();
    await rename(partial, path);
  }
}

async function unlessEnded(
  machine: Machine,
  event: Promise<void>,
  lines: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason as Error);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  const ended = machine.ended.then(({ exitCode, signal: by, reason }: SandboxEnd) => {
    throw new NexError("sandbox_failed", `it ended: ${reason ?? by ?? `exit code ${exitCode}`}. ${lines.join(" / ")}`);
  });
  ended.catch(() => undefined);
  try {
    await Promise.race([event, ended, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Changes with anything in this code that a machine's state depends on, as the devices it has. */
const STATE_FORMAT = 1;

/**
 * A state fits only the machine it was taken from: the same image, size, QEMU and processor. Rate and features of a
 * processor do not change while a host is up, but a virtual host may be moved while it is down.
 */
async function fileName({ spec, platform, version }: SavedStatesOptions["kind"]): Promise<string> {
  const { accelerator, machine } = platform;
  const { memoryMib, vcpus, bootArguments, image } = spec;
  const parts = [STATE_FORMAT, version, accelerator, machine, memoryMib, vcpus, bootArguments, image.id];
  return `${await hostBoot()}-${createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 24)}.state`;
}

/** Changes whenever this machine starts. */
async function hostBoot(): Promise<string> {
  return (await readFile("/proc/sys/kernel/random/boot_id", "latin1")).trim().replaceAll("-", "");
}

/** States of earlier boots of the host, those that no node has used for long, and what killed nodes left half made. */
async function removeStale(directory: string): Promise<void> {
  const boot = await hostBoot();
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    const age = Date.now() - mtimeMs;
    const isAbandoned = name.endsWith(".partial") && age > 2 * (BOOT_LIMIT_MS + SAVE_LIMIT_MS);
    if (!name.startsWith(boot) || age > KEEP_MS || isAbandoned) await rm(path, { force: true });
  }
}
