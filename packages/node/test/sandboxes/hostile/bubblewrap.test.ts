import { makeBubblewrapDriver, noBubblewrap } from "../../support/drivers.ts";
import { hostileSuite } from "./attacks.ts";

hostileSuite("bubblewrap", { makeDriver: makeBubblewrapDriver, skip: noBubblewrap, outcome: "held" });
