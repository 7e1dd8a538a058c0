import { describeConnectedService } from "../support/connected-service.ts";
import { noBubblewrap } from "@nex/testing/sandboxes";

describeConnectedService("process", "host");
describeConnectedService("bubblewrap", "none", { skip: noBubblewrap });
