import { makeProcessDriver } from "../../support/drivers.ts";
import { sandboxContract } from "./contract.ts";

sandboxContract("process", { makeDriver: makeProcessDriver });
