import { isNexError } from "@nex/protocol";
import { type Command, defineCommand } from "../command.ts";
import { ContextDirectory } from "../connection/context-directory.ts";
import { readContextFile } from "../connection/context-file.ts";
import { parseServerUrls } from "../connection/server-urls.ts";

interface ListedContext {
  readonly name: string;
  readonly selected: boolean;
  /** Without user and password. */
  readonly url: string;
  readonly description: string;
  /** Why it cannot be used; `null` if it can. */
  readonly error: string | null;
}

/** `nex context ls` */
export const command: Command = defineCommand({
  details:
    'Contexts are made with the nats CLI ("nats context add"); nex reads them and changes none. The selected one is marked with *.',
  examples: [["context ls --json", "names, URLs and descriptions for a script"]],
  async run({ print, terminal }) {
    const directory = new ContextDirectory(terminal.env);
    const selected = directory.selected();
    const contexts = directory.names().map((name) => listed(directory, name, name === selected));
    if (print.isJson) return print.json(contexts);
    if (contexts.length === 0)
      return print.note(
        `There are no NATS contexts in ${directory.path}. Make one with: nats context add NAME --server URL`,
      );
    print.table(contexts, [
      { title: "", value: ({ selected: isSelected }) => (isSelected ? "*" : "") },
      { title: "NAME", value: ({ name }) => name },
      { title: "URL", value: ({ url }) => url },
      {
        title: "DESCRIPTION",
        value: ({ description, error }) => error ?? description,
        style: ({ error }) => (error === null ? undefined : "red"),
      },
    ]);
  },
});

function listed(directory: ContextDirectory, name: string, selected: boolean): ListedContext {
  try {
    const { url, description } = readContextFile(directory.find(name, "context").file);
    return { name, selected, url: url === undefined ? "" : shownUrl(url), description: description ?? "", error: null };
  } catch (error) {
    if (!isNexError(error)) throw error;
    return { name, selected, url: "", description: "", error: error.message };
  }
}

function shownUrl(url: string): string {
  // A reference says where the URL is kept, and is no secret itself.
  return url.startsWith("env://") || url.startsWith("file://") ? url : parseServerUrls(url, '"url"').servers.join(",");
}
