import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { NodeOptions } from "@nex/node";
import { NexError } from "@nex/protocol";
import type { CommandContext } from "./command.ts";

/** A node's config file; without one, nothing is said. @throws NexError `file_not_found`, `invalid_request` */
export async function readNodeConfig(ctx: CommandContext, file: string | undefined): Promise<NodeOptions> {
  if (file === undefined) return {};
  const path = resolve(ctx.cwd, file);
  let content: string;
  try {
    content = await readFile(path, "utf8");
  } catch (cause) {
    throw new NexError("file_not_found", `The config file ${file} cannot be read: ${(cause as Error).message}`, {
      cause,
      data: { file },
    });
  }
  try {
    return JSON.parse(content) as NodeOptions;
  } catch (cause) {
    throw new NexError("invalid_request", `The config file ${file} is not JSON: ${(cause as Error).message}`, {
      cause,
      data: { file },
    });
  }
}
