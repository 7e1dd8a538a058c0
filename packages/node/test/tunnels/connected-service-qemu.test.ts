import { test } from "node:test";
import { describeConnectedService } from "../support/connected-service.ts";
import { MACHINE_CACHE, MACHINE_IMAGE, noQemu } from "../support/qemu.ts";

if (noQemu === false) {
  describeConnectedService("qemu", "none", {
    config: {
      image_directory: MACHINE_IMAGE,
      cache_directory: MACHINE_CACHE,
      limits: { memory: "128MiB", disk: "64MiB" },
    },
  });
} else test("a service in the qemu sandbox that is connected to a NATS server", { skip: noQemu }, () => undefined);
