import { describeConnectedService } from "../support/connected-service.ts";
import { noBubblewrap } from "../support/drivers.ts";

describeConnectedService("process", "host");
describeConnectedService("bubblewrap", "none", { skip: noBubblewrap });
