import { makeBubblewrapDriver } from "../../support/drivers.ts";
import { hostileSuite } from "./attacks.ts";

hostileSuite("bubblewrap", { makeDriver: makeBubblewrapDriver, outcome: "held" });
