import { describeConnectedService } from "../support/connected-service.ts";

describeConnectedService("process", "host");
describeConnectedService("bubblewrap", "none");
