import { RunnerWorkload } from "../../runner-process/runner-workload.ts";
import type { Provider } from "../provider.ts";

/** WebAssembly functions: commands of WASI preview 1, in a runner like those of JavaScript functions. */
export const wasmProvider: Provider = {
  kind: "wasm",
  async deploy({ namespace, name, revision, size, env, triggers, memory_bytes }, artifactPath, host) {
    const order = { namespace, name, revision, kind: "wasm", size, env, triggers, memory_bytes } as const;
    const workload = new RunnerWorkload(order, artifactPath, host);
    await workload.start();
    return workload;
  },
};
