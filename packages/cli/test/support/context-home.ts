import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TemporaryDirectory, temporaryDirectory } from "@nex/testing";

export interface ContextHome extends TemporaryDirectory {
  readonly env: { readonly HOME: string; readonly XDG_CONFIG_HOME: string };
  /** Writes a file and gives its path. */
  file(name: string, content: string): Promise<string>;
}

/** A home with these NATS contexts, and one selected if it is named. */
export async function contextHome(
  contexts: Readonly<Record<string, unknown>> = {},
  selected?: string,
): Promise<ContextHome> {
  const directory = await temporaryDirectory("nex-contexts-");
  const file = async (name: string, content: string): Promise<string> => {
    await writeFile(join(directory.path, name), content);
    return join(directory.path, name);
  };
  await mkdir(join(directory.path, "nats/context"), { recursive: true });
  for (const [name, content] of Object.entries(contexts)) {
    await file(`nats/context/${name}.json`, typeof content === "string" ? content : JSON.stringify(content));
  }
  if (selected !== undefined) await file("nats/context.txt", selected);
  return Object.assign(directory, { env: { HOME: directory.path, XDG_CONFIG_HOME: directory.path }, file });
}
