import { killFirecracker, makeFirecrackerDriver, noFirecracker } from "../../support/firecracker.ts";
import { sandboxContract } from "./contract.ts";

sandboxContract("firecracker", {
  makeDriver: makeFirecrackerDriver,
  skip: noFirecracker,
  killAgent: killFirecracker,
});
