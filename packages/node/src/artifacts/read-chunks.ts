import { setTimeout as sleep } from "node:timers/promises";
import { isNexError, NexError } from "@nex/protocol";

/**
 * The chunks of an object, for as long as they come: of one whose parts are gone the server sends nothing, ever.
 * @throws NexError `artifact_missing`, `artifact_corrupt`; what `signal` was aborted with
 */
export async function* readChunks(
  data: ReadableStream<Uint8Array>,
  timeoutMs: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const reader = data.getReader();
  try {
    for (;;) {
      const { done, value } = await within(reader.read(), timeoutMs, signal);
      if (done) return;
      yield value;
    }
  } catch (cause) {
    if (signal?.aborted === true) throw signal.reason;
    if (isNexError(cause)) throw cause;
    // NATS keeps a digest of its own with each object.
    throw new NexError(
      "artifact_corrupt",
      `The artifact could not be read: ${(cause as Error).message}. Upload it again.`,
      { cause },
    );
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function within<T>(next: Promise<T>, timeoutMs: number, signal?: AbortSignal): Promise<T> {
  const done = new AbortController();
  const late = sleep(timeoutMs, undefined, {
    signal: signal === undefined ? done.signal : AbortSignal.any([done.signal, signal]),
  }).then(() => {
    throw new NexError(
      "artifact_missing",
      `Nothing of the artifact came for ${timeoutMs} ms: parts of the object are gone. Upload it again.`,
    );
  });
  try {
    return await Promise.race([next, late]);
  } finally {
    done.abort();
  }
}
