import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const LOOK_MS = 200;

/** Watches how much buffers this process holds: what is still in use, not what waits to be collected. */
export function watchMemory(): Disposable & { readonly grown: number } {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  // What the first one finds is freed beside the program; the second waits for that.
  const collect = (): void => {
    gc();
    gc();
  };
  collect();
  const before = process.memoryUsage().arrayBuffers;
  let peak = before;
  const timer = setInterval(() => {
    collect();
    peak = Math.max(peak, process.memoryUsage().arrayBuffers);
  }, LOOK_MS);
  return {
    /** Bytes, at most so far. */
    get grown() {
      return peak - before;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
