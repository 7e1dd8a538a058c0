import { httpHost } from "../http/host.ts";
import { kvHost } from "../kv/host.ts";
import { messagingHost } from "../messaging/host.ts";
import { objectStoreHost } from "../object-store/host.ts";
import type { HostService } from "./service.ts";

/** All host services. A new one is a folder and a line here and in `guest/registry.ts`. */
export const HOST_SERVICES: readonly HostService[] = [kvHost, messagingHost, objectStoreHost, httpHost];
