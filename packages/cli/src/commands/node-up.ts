import { defaultStateDirectory, NexNode, type NodeOptions, SANDBOX_NAMES, weighPayloadsWithTheHeap } from "@nex/node";
import { NexError } from "@nex/protocol";
import { type Command, type CommandContext, defineCommand } from "../command.ts";
import { connectionOptions } from "../connection/connect.ts";
import { EMBEDDED_CONTEXT } from "../connection/connection-config.ts";
import { readNodeConfig } from "../node-config-file.ts";
import { choice, flag, integer, list, pairs, text } from "../option.ts";
import { fetchedNatsServer, sandboxPrograms } from "../programs.ts";

const options = {
  config: text("--config <file>", "the node's config file (JSON)"),
  sandbox: choice(
    "--sandbox <name>",
    "how workloads are walled in (default auto: the strongest that works here)",
    ["auto", ...SANDBOX_NAMES],
    { fallback: undefined },
  ),
  pool: integer("--pool <n>", "sandboxes kept ready ahead (default 1)", { fallback: undefined, min: 0, max: 1000 }),
  nexus: text("--nexus <name>", "fleet this node belongs to"),
  tags: pairs("--tag <key=value>", "tag of the node, repeatable"),
  issuers: list("--issuer <key>", "public key that may deploy here, repeatable; without any, everyone may"),
  port: integer("--port <n>", "port of the embedded nats-server (default: 4222 if free, else any)", {
    fallback: undefined,
    min: 1,
    max: 65_535,
  }),
  stateDirectory: text(
    "--state-directory <dir>",
    "where the node keeps its keys (default: nex/node in the XDG state directory)",
  ),
  nexusKeyFile: text(
    "--nexus-key-file <file>",
    "file with the key of the nexus to join (nex keys export); NEX_NEXUS_KEY holds the key itself",
  ),
  ephemeral: flag("--ephemeral", "keep nothing: neither keys, nor what runs here, nor the embedded nats-server's data"),
};

/** `nex node up`, `nex up` */
export const command: Command = defineCommand({
  details:
    "Without --server, NATS_URL or a NATS context it starts a nats-server of its own, with JetStream, and leaves its address and credentials in the NATS context " +
    `"${EMBEDDED_CONTEXT}" for the other commands. Runs until it is stopped; SIGTERM and Ctrl-C end it in order. What was deployed to it runs again when it is started again; nex stop ends it for good.`,
  options,
  examples: [
    ["up", "a node with its own nats-server"],
    ["up --server nats://127.0.0.1:4222", "a node on a server that runs already"],
    ["up --ephemeral --json", "for scripts: the first line on stdout is the node_ready object"],
  ],
  async run(ctx, args) {
    const embedded = !isServerNamed(ctx);
    if (!embedded && args.port !== undefined) {
      throw new NexError(
        "usage",
        "--port is for the embedded nats-server, but a server or context is named. Leave one of the two out.",
      );
    }
    if (args.ephemeral && args.stateDirectory !== undefined) {
      throw new NexError(
        "usage",
        "An --ephemeral node keeps nothing in a --state-directory. Leave one of the two out.",
      );
    }
    const { state_directory: configured, ...fileConfig } = await readNodeConfig(ctx, args.config);
    const state = args.ephemeral
      ? undefined
      : (args.stateDirectory ?? configured ?? defaultStateDirectory(ctx.terminal.env));
    const config: NodeOptions = {
      ...fileConfig,
      ...(state === undefined ? {} : { state_directory: state }),
      ...(args.sandbox === undefined ? {} : { sandbox: args.sandbox }),
      ...(args.pool === undefined ? {} : { pool: { size: args.pool } }),
      ...(args.nexus === undefined ? {} : { nexus: args.nexus }),
      ...(args.nexusKeyFile === undefined ? {} : { nexus_key_file: args.nexusKeyFile }),
      ...(args.issuers.length === 0 ? {} : { issuers: args.issuers }),
      ...(args.tags.size === 0 ? {} : { tags: Object.fromEntries(args.tags) }),
    };
    weighPayloadsWithTheHeap();
    const fatal = Promise.withResolvers<never>();
    fatal.promise.catch(() => undefined);
    await using node = await ctx.print.progress(
      "Starting the node",
      async () =>
        await NexNode.start({
          nats: embedded
            ? {
                embedded: {
                  ephemeral: args.ephemeral,
                  port: args.port,
                  serverProgram: fetchedNatsServer(ctx.terminal.env),
                },
              }
            : { connect: connectionOptions(ctx.connection(), await import("@nats-io/transport-node")) },
          programs: sandboxPrograms(ctx.terminal.env),
          config,
          nexusKey: nexusKey(ctx),
          onWarning: (line) => ctx.print.warn(line),
          onFatal: (error) => fatal.reject(error),
        }),
    );
    announce(ctx, node, embedded);
    if (args.ephemeral) ctx.print.note("This node keeps nothing: what is deployed to it is gone when it stops.");
    await Promise.race([stopped(ctx.signal), fatal.promise]);
    if (node.hasPeers) {
      ctx.print.note("Stopping: other nodes take over what runs here first. Once more ends it at once.");
      await Promise.race([node.drain(), fatal.promise]);
    } else ctx.print.note(stopping(args.ephemeral));
    return 0;
  },
});

function stopping(isEphemeral: boolean): string {
  const ending = "Stopping: workloads are ended first.";
  return isEphemeral ? ending : `${ending} They run again when the node is started again.`;
}

/** An empty variable is none, as everywhere. */
function nexusKey({ terminal }: CommandContext): string | undefined {
  const key = terminal.env["NEX_NEXUS_KEY"]?.trim();
  return key === "" ? undefined : key;
}

function announce({ print }: CommandContext, node: NexNode, embedded: boolean): void {
  const { id, server, sandbox } = node;
  if (print.isJson) return print.line({ type: "node_ready", node_id: id, server, sandbox, pid: process.pid });
  print.block("The node is ready", [
    ["Node", id],
    ["NATS", embedded ? `${server} (embedded)` : server],
    ["Sandbox", sandbox],
  ]);
  print.note('Deploy a function from another terminal: nex run FILE --trigger "orders.*". Stop the node with Ctrl-C.');
}

function isServerNamed(ctx: CommandContext): boolean {
  const { server, context, creds, user, token, nkey } = ctx.global.connection;
  const { NATS_URL, NATS_CREDS, NATS_USER, NATS_TOKEN, NATS_NKEY } = ctx.terminal.env;
  if (
    [server, context, creds, user, token, nkey, NATS_URL, NATS_CREDS, NATS_USER, NATS_TOKEN, NATS_NKEY].some(
      (given) => given !== undefined && given !== "",
    )
  )
    return true;
  const found = ctx.connection().context;
  return found !== undefined && found !== EMBEDDED_CONTEXT;
}

async function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((done) => signal.addEventListener("abort", () => done(), { once: true }));
}
