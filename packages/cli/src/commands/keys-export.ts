import { defaultStateDirectory, readNexusKey } from "@nex/node";
import { type Command, defineCommand } from "../command.ts";
import { readNodeConfig } from "../node-config-file.ts";
import { text } from "../option.ts";

/** `nex keys export` */
export const command: Command = defineCommand({
  details:
    "All nodes of a nexus share one key, to which the environments of workloads are sealed. The first node makes it; the others are started with it in NEX_NEXUS_KEY, or in a file that --nexus-key-file names.",
  options: {
    config: text("--config <file>", "the node's config file (JSON)"),
    stateDirectory: text("--state-directory <dir>", "where the node keeps its keys, if not in the default place"),
  },
  examples: [
    ["keys export", "print the key of this machine's node"],
    ["keys export > nexus.key", "keep it in a file, for nex up --nexus-key-file"],
  ],
  async run(ctx, args) {
    const { print, terminal } = ctx;
    const config = await readNodeConfig(ctx, args.config);
    const directory = args.stateDirectory ?? config.state_directory ?? defaultStateDirectory(terminal.env);
    const key = await readNexusKey({
      nexusKey: terminal.env["NEX_NEXUS_KEY"] === "" ? undefined : terminal.env["NEX_NEXUS_KEY"],
      nexusKeyFile: config.nexus_key_file,
      directory,
    });
    print.note("Whoever has this key can read the environments of all workloads of the nexus.");
    if (print.isJson) return print.json({ nexus_key: key });
    print.text(key);
  },
});
