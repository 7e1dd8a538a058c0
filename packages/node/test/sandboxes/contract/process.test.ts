import { makeProcessDriver } from "@nex/testing/sandboxes";
import { sandboxContract } from "./contract.ts";

sandboxContract("process", { makeDriver: makeProcessDriver });
