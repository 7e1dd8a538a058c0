import { once } from "node:events";
import { connect } from "node:net";
import { parseArgs } from "node:util";
import { Link, parseLinkAddress } from "@nex/link";
import { Agent } from "./agent.ts";
import { readMetadata } from "./metadata.ts";

/** Time a workload has to end when the agent itself is asked to, ms. */
const TERM_GRACE_MS = 5000;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { runner: { type: "string" }, directory: { type: "string" } } });
  const metadata = readMetadata();
  const address = parseLinkAddress(metadata.link);
  const socket = address.kind === "unix" ? connect(address.path) : connect(address.port, address.host);
  await once(socket, "connect");
  const agent = new Agent({
    link: new Link(socket),
    token: metadata.token,
    runner: {
      program: values.runner ?? "/usr/local/lib/nex/nex-runner.cjs",
      address,
      directory: values.directory ?? process.cwd(),
    },
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void agent.stop(TERM_GRACE_MS));
  await agent.start();
  await agent.gone;
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`nex-agent: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
