import { NexError } from "@nex/protocol";
import { findProgram, isExecutable } from "@nex/system";

/** @throws NexError `missing_tool` */
export function natsServerProgram(named: string | undefined): string {
  const chosen = named ?? (process.env["NEX_NATS_SERVER"] || undefined);
  const found = chosen ?? findProgram("nats-server");
  if (found !== undefined && isExecutable(found)) return found;
  const what = chosen === undefined ? "nats-server is not installed" : `${chosen} is not a program that can be run`;
  throw new NexError(
    "missing_tool",
    `${what}, so no embedded NATS server can be started. Install it with: ${installCommand()} — or name a running server with --server.`,
    { data: { tool: "nats-server", ...(chosen === undefined ? {} : { path: chosen }) } },
  );
}

function installCommand(): string {
  if (process.platform === "darwin") return "brew install nats-server";
  const asRoot = process.getuid?.() === 0 ? "" : "sudo ";
  return `${asRoot}apt-get install --yes --no-install-recommends nats-server`;
}
