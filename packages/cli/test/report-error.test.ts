import assert from "node:assert/strict";
import { test } from "node:test";
import { NexError } from "@nex/protocol";
import { reportError } from "../src/report-error.ts";
import { memoryTerminal } from "./support/memory-terminal.ts";

function told(error: NexError): string {
  const terminal = memoryTerminal();
  reportError(terminal, error, false);
  return terminal.stderr.text();
}

test("an error is told with what to do, once", () => {
  assert.equal(
    told(new NexError("workload_not_found", 'No node runs "fn". List what runs with "nex ls".')),
    'error: No node runs "fn". List what runs with "nex ls". [workload_not_found]\n',
  );
  assert.equal(
    told(new NexError("workload_not_found", 'There is no "fn".')),
    'error: There is no "fn".\nList workloads with `nex ls`; check `--namespace`. [workload_not_found]\n',
  );
});
