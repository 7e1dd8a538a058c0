import { makeBubblewrapDriver, noBubblewrap } from "@nex/testing/sandboxes";
import { hostileSuite } from "./attacks.ts";
import { inheritedFilesTest } from "./inherited-files.ts";

hostileSuite("bubblewrap", { makeDriver: makeBubblewrapDriver, skip: noBubblewrap, outcome: "held" });
inheritedFilesTest("bubblewrap", noBubblewrap);
