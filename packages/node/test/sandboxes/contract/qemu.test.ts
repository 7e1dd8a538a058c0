import { killMachine, MACHINE_WAIT_MS, makeQemuDriver, noQemu } from "../../support/qemu.ts";
import { sandboxContract } from "./contract.ts";

sandboxContract("qemu", {
  makeDriver: makeQemuDriver,
  skip: noQemu,
  killAgent: killMachine,
  waitMs: MACHINE_WAIT_MS,
});
