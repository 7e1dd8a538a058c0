import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { SandboxPrograms } from "@nex/node";
import { NexError } from "@nex/protocol";
import type { Environment } from "./terminal/environment.ts";

/** Beside the bundle this is part of; seen from the sources, where the build puts it. */
const PLACES = ["./", "../dist/"];

/** The programs that run in sandboxes. @throws NexError `missing_tool` */
export function sandboxPrograms(env: Environment): SandboxPrograms {
  return {
    node: process.execPath,
    agent: find("nex-agent.cjs"),
    runner: find("nex-runner.cjs"),
    bubblewrap: env["NEX_BUBBLEWRAP"] || (existsSync(FETCHED_BUBBLEWRAP) ? FETCHED_BUBBLEWRAP : undefined),
  };
}

/** Where the set-up of a source tree puts a bubblewrap, if the machine has none. */
const FETCHED_BUBBLEWRAP = fileURLToPath(new URL("../../../.tools/bubblewrap/usr/bin/bwrap", import.meta.url));

/** Where the set-up of a source tree puts a nats-server, if the machine has none. */
const FETCHED_NATS_SERVER = fileURLToPath(new URL("../../../.tools/usr/sbin/nats-server", import.meta.url));

/** The nats-server of this source tree; `undefined` where there is none, or the user has named another. */
export function fetchedNatsServer(env: Environment): string | undefined {
  return !env["NEX_NATS_SERVER"] && existsSync(FETCHED_NATS_SERVER) ? FETCHED_NATS_SERVER : undefined;
}

function find(file: string): string {
  const paths = PLACES.map((place) => fileURLToPath(new URL(place + file, import.meta.url)));
  const found = paths.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new NexError(
    "missing_tool",
    `${file} is not where this nex looks for it (${paths[0]}). Install nex again, or run "npm run build" in its source tree.`,
  );
}
