import { makeBubblewrapDriver, noBubblewrap } from "@nex/testing/sandboxes";
import { sandboxContract } from "./contract.ts";

sandboxContract("bubblewrap", { makeDriver: makeBubblewrapDriver, skip: noBubblewrap });
