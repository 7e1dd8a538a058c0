import { once } from "node:events";
import { lstat } from "node:fs/promises";
import { request } from "node:http";
import { connect } from "node:net";
import { json } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { NexError } from "@nex/protocol";
import type { ApiRequest } from "./requests.ts";

/** Everything is answered at once, but what writes the guest's memory to a file. */
const LIMIT_MS = 10_000;
const SNAPSHOT_LIMIT_MS = 120_000;

/** Firecracker's API on its unix socket. */
export class ApiClient {
  readonly #socket: string;

  constructor(socket: string) {
    this.#socket = socket;
  }

  /** Waits until Firecracker listens. @throws NexError `sandbox_failed` with the reason of `signal` */
  async whenReady(signal: AbortSignal): Promise<void> {
    for (let pause = 2; ; pause = Math.min(pause * 2, 50)) {
      if ((await this.#isSocket()) && (await this.#isListening())) return;
      if (signal.aborted) {
        throw new NexError("sandbox_failed", `Firecracker did not open its API: ${(signal.reason as Error).message}`, {
          cause: signal.reason,
        });
      }
      await sleep(pause);
    }
  }

  /** Sends requests one after another. @throws NexError `sandbox_failed` with Firecracker's own words */
  async send(...requests: readonly ApiRequest[]): Promise<void> {
    for (const one of requests) await this.#send(one);
  }

  async #send({ method, path, body }: ApiRequest): Promise<void> {
    // The directory belongs to Firecracker's user: whoever broke out of the guest could have put a link to another
    // program's socket there.
    if (!(await this.#isSocket())) throw this.#failure(method, path, "its socket is gone");
    const content = JSON.stringify(body);
    const limitMs = path.startsWith("/snapshot/") ? SNAPSHOT_LIMIT_MS : LIMIT_MS;
    const { status, fault } = await new Promise<{ status: number; fault: string }>((resolve, reject) => {
      const sent = request({
        socketPath: this.#socket,
        method,
        path,
        agent: false,
        signal: AbortSignal.timeout(limitMs),
        headers: {
          "Content-Type": "application/json",
          Accept: "application/json",
          "Content-Length": Buffer.byteLength(content),
        },
      });
      sent.on("error", reject).on("response", (response) => {
        // Success has no body; what fails says why.
        void json(response).then(
          (said) => resolve({ status: response.statusCode ?? 0, fault: faultOf(said) }),
          () => resolve({ status: response.statusCode ?? 0, fault: "" }),
        );
      });
      sent.end(content);
    }).catch((cause: unknown) => {
      throw this.#failure(method, path, (cause as Error).message, cause);
    });
    if (status !== 204) throw this.#failure(method, path, fault === "" ? `status ${status}` : fault);
  }

  #failure(method: string, path: string, why: string, cause?: unknown): NexError {
    return new NexError("sandbox_failed", `Firecracker refused ${method} ${path}: ${why}`, {
      ...(cause === undefined ? {} : { cause }),
      data: { method, path },
    });
  }

  /** A socket has its name a moment before anybody listens on it. */
  async #isListening(): Promise<boolean> {
    const probe = connect(this.#socket);
    try {
      await once(probe, "connect");
      return true;
    } catch {
      return false;
    } finally {
      probe.destroy();
    }
  }

  async #isSocket(): Promise<boolean> {
    try {
      return (await lstat(this.#socket)).isSocket();
    } catch {
      return false;
    }
  }
}

function faultOf(said: unknown): string {
  const message = (said as { fault_message?: unknown } | null)?.fault_message;
  return typeof message === "string" ? message.slice(0, 500) : "";
}
