import { makeBubblewrapDriver, noBubblewrap } from "../../support/drivers.ts";
import { sandboxContract } from "./contract.ts";

sandboxContract("bubblewrap", { makeDriver: makeBubblewrapDriver, skip: noBubblewrap });
