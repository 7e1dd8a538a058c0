import { makeProcessDriver } from "@nex/testing/sandboxes";
import { hostileSuite } from "./attacks.ts";
import { inheritedFilesTest } from "./inherited-files.ts";

// No boundary: here the attacks succeed, which shows that they are any good. As root the node still finds what has
// left its process group, by its user.
hostileSuite("the process sandbox", {
  makeDriver: makeProcessDriver,
  outcome: "succeeded",
  differently: { linger: process.getuid?.() === 0 ? "held" : "succeeded" },
});
inheritedFilesTest("process", false);
