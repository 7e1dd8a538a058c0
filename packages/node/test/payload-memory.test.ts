import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { it } from "node:test";

it("weighing payloads with the heap is something this V8 can do", () => {
  const module = new URL("../src/payload-memory.ts", import.meta.url).href;
  const program = `import { weighPayloadsWithTheHeap } from ${JSON.stringify(module)};
    weighPayloadsWithTheHeap();
    process.stdout.write("done");`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    encoding: "utf8",
  });
  assert.deepEqual({ stdout, stderr }, { stdout: "done", stderr: "" });
});
