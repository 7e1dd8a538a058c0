import { once } from "node:events";
import { connect } from "node:net";
import { parseArgs } from "node:util";
import { type AgentMetadata, Link, parseLinkAddress } from "@nex/link";
import { NexError } from "@nex/protocol";
import { Agent } from "./agent.ts";
import { readDescriptor } from "./metadata/descriptor.ts";
import { waitForMmds } from "./metadata/mmds.ts";
import { applyResume } from "./metadata/resume.ts";

/** Time a workload has to end when the agent itself is asked to, ms. */
const TERM_GRACE_MS = 5000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runner: { type: "string" },
      directory: { type: "string" },
      hosts: { type: "string" },
      metadata: { type: "string", default: "fd" },
    },
  });
  const metadata = await readMetadata(values.metadata);
  // Before anything that could keep what the clock or the random generator of the saved machine says.
  if (metadata.resume !== undefined) await applyResume(metadata.resume);
  const address = parseLinkAddress(metadata.link);
  const socket = address.kind === "unix" ? connect(address.path) : connect(address.port, address.host);
  await once(socket, "connect");
  const agent = new Agent({
    link: new Link(socket),
    token: metadata.token,
    patience: metadata.patience ?? 1,
    runner: {
      program: values.runner ?? "/usr/local/lib/nex/nex-runner.cjs",
      address,
      directory: values.directory ?? process.cwd(),
    },
    hostsFile: values.hosts ?? "/etc/hosts",
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void agent.stop(TERM_GRACE_MS));
  await agent.start();
  await agent.gone;
}

/**
 * From where `--metadata` says: `fd`, an inherited descriptor; `mmds`, the metadata service of a virtual machine at its
 * usual address, or at another one, `mmds:HOST:PORT`.
 */
async function readMetadata(place: string): Promise<AgentMetadata> {
  if (place === "fd") return readDescriptor();
  if (place === "mmds") return await waitForMmds();
  const named = place.startsWith("mmds:") ? parseLinkAddress(place.replace("mmds:", "tcp:")) : undefined;
  if (named?.kind === "tcp") return await waitForMmds({ host: named.host, port: named.port });
  throw new NexError("usage", `--metadata: "${place}" is not one of fd, mmds, mmds:HOST:PORT.`);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`nex-agent: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
