import { makeQemuDriver, noQemu } from "../../support/qemu.ts";
import { hostileSuite } from "./attacks.ts";
import { inheritedFilesTest } from "./inherited-files.ts";

// Inside is a whole machine: it has a shell, places to write to and as many processes as fit into its memory, all of
// them its own. The kernel refuses addresses beyond that memory, so that an attacker has to ask for less to be ended.
hostileSuite("qemu", {
  makeDriver: makeQemuDriver,
  skip: noQemu,
  outcome: "held",
  differently: { write: "succeeded", shell: "succeeded", forks: "succeeded" },
  hasOwnKernel: true,
  eatMib: 240,
});
inheritedFilesTest("qemu", noQemu);
