import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { NexError } from "@nex/protocol";
import { z } from "zod";

/** QEMU opens its socket when it has started, ms. */
const LOOK_AGAIN_MS = 10;

/** Its answers to the commands below take a few hundred. QEMU is on the guest's side of the wall. */
const MOST_UNREAD_CHARACTERS = 65_536;

const messageSchema = z.object({
  QMP: z.unknown().optional(),
  id: z.number().optional(),
  return: z.unknown().optional(),
  error: z.object({ desc: z.string() }).optional(),
});

const statusSchema = z.object({ status: z.string(), running: z.boolean() });
const migrationSchema = z.object({
  status: z.string().optional(),
  "error-desc": z.string().optional(),
  ram: z.object({ transferred: z.number() }).optional(),
});
const balloonSchema = z.object({ actual: z.number() });

/** QEMU's machine protocol, as far as a node needs it: one command at a time or several, each with its answer. */
export class QmpClient implements Disposable {
  readonly #socket: Socket;
  readonly #waiting: Map<number, PromiseWithResolvers<unknown>> = new Map();
  #nextId = 1;
  #rest = "";
  #greeting: PromiseWithResolvers<void> = Promise.withResolvers();

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#greeting.promise.catch(() => undefined);
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => this.#read(text));
    socket.on("error", () => undefined);
    socket.on("close", () => this.#fail("QEMU has closed its monitor."));
  }

  /** Waits for the socket to appear. @throws NexError `sandbox_failed`; the signal's reason */
  static async connect(path: string, signal: AbortSignal): Promise<QmpClient> {
    for (;;) {
      signal.throwIfAborted();
      const socket = connect(path);
      try {
        await once(socket, "connect", { signal });
        const client = new QmpClient(socket);
        await client.#greeting.promise;
        await client.#execute("qmp_capabilities");
        return client;
      } catch (error) {
        socket.destroy();
        if (error instanceof NexError) throw error;
        await sleep(LOOK_AGAIN_MS, undefined, { signal });
      }
    }
  }

  /** Such as `running`, `paused`, `inmigrate`. */
  async status(): Promise<string> {
    return statusSchema.parse(await this.#execute("query-status")).status;
  }

  async stop(): Promise<void> {
    await this.#execute("stop");
  }

  async cont(): Promise<void> {
    await this.#execute("cont");
  }

  /** Hands the machine's whole state to a shell command; it stays stopped. @throws NexError `sandbox_failed` */
  async migrate(command: string, signal: AbortSignal): Promise<void> {
    // Nothing else has to be carried meanwhile, so that there is nothing to hold back for.
    await this.#execute("migrate-set-parameters", { "max-bandwidth": 2 ** 40 });
    await this.#execute("migrate", { uri: `exec:${command}` });
    for (;;) {
      const progress = migrationSchema.parse(await this.#execute("query-migrate"));
      if (progress.status === "completed") return;
      if (progress.status === "failed" || progress.status === "cancelled") {
        const why = progress["error-desc"] ?? progress.status;
        throw new NexError("sandbox_failed", `The machine's state could not be saved: ${why}`);
      }
      await sleep(LOOK_AGAIN_MS, undefined, { signal });
    }
  }

  /** Asks the guest's kernel to keep to this much memory. */
  async setBalloon(bytes: number): Promise<void> {
    await this.#execute("balloon", { value: bytes });
  }

  /** Memory the guest has now, bytes. */
  async balloon(): Promise<number> {
    return balloonSchema.parse(await this.#execute("query-balloon")).actual;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
    this.#fail("The monitor was closed.");
  }

  async #execute(command: string, parameters?: Record<string, unknown>): Promise<unknown> {
    const id = this.#nextId++;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answer);
    if (this.#socket.destroyed) this.#fail("QEMU has closed its monitor.");
    else this.#socket.write(`${JSON.stringify({ execute: command, arguments: parameters, id })}\r\n`);
    return await answer.promise;
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > MOST_UNREAD_CHARACTERS) return void this.#socket.destroy();
    for (const line of lines) {
      if (line.trim() !== "") this.#take(line);
    }
  }

  #take(line: string): void {
    let message: z.infer<typeof messageSchema>;
    try {
      message = messageSchema.parse(JSON.parse(line));
    } catch {
      return void this.#socket.destroy();
    }
    if (message.QMP !== undefined) this.#greeting.resolve();
    if (message.id === undefined) return;
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error === undefined) waiting?.resolve(message.return);
    else waiting?.reject(new NexError("sandbox_failed", `QEMU refused: ${message.error.desc}`));
  }

  #fail(why: string): void {
    const error = new NexError("sandbox_failed", why);
    this.#greeting.reject(error);
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
