import { readFile, rm } from "node:fs/promises";
import type { UserCredentials } from "./server-config.ts";
import { writePrivateFile } from "./private-files.ts";

/**
 * Writes the operator's way in as a context of the `nats` CLI, for that and for `nex`. The file has a name of its
 * own, so a person's contexts stay as they are. Gives back a function that removes it, unless another server has
 * written its own in the meantime.
 */
export async function writeContextFile(
  path: string,
  url: string,
  operator: UserCredentials,
): Promise<() => Promise<void>> {
  const context = {
    description: "NATS server embedded in nex up",
    url,
    user: operator.user,
    password: operator.password,
  };
  const text = `${JSON.stringify(context, undefined, 2)}\n`;
  await writePrivateFile(path, text);
  return async () => {
    const present = await readFile(path, "utf8").catch(() => undefined);
    if (present === text) await rm(path, { force: true });
  };
}
