import { RunnerWorkload } from "../../runner-process/runner-workload.ts";
import type { Provider } from "../provider.ts";
import { withPosition } from "./syntax-error.ts";

/** JavaScript functions, in module or script form: the runner tells them apart by their source. */
export const javascriptProvider: Provider = {
  kind: "javascript",
  async deploy({ namespace, name, revision, size, env, triggers, memory_bytes }, artifactPath, host) {
    const order = { namespace, name, revision, kind: "javascript", size, env, triggers, memory_bytes } as const;
    const workload = new RunnerWorkload(order, artifactPath, host);
    try {
      await workload.start();
    } catch (error) {
      throw await withPosition(error, name, artifactPath);
    }
    return workload;
  },
};
