import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import type { UserCredentials } from "./server-config.ts";
import { writePrivateFile } from "./private-files.ts";

/** For a server of this machine to take a connection, ms. */
const PROBE_MS = 500;

/**
 * Writes the operator's way in as a context of the `nats` CLI, for that and for `nex`. The file has a name of its
 * own, so a person's contexts stay as they are. Gives back a function that removes it, unless another server has
 * written its own in the meantime; where another one had before and still runs, its way in is put back.
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
  const before = await readText(path);
  await writePrivateFile(path, text);
  return async () => {
    if ((await readText(path)) !== text) return;
    const former = before === undefined ? undefined : urlOf(before);
    // At our own address there is nobody else.
    if (before !== undefined && former !== undefined && former.href !== new URL(url).href && (await isServed(former)))
      await writePrivateFile(path, before);
    else await rm(path, { force: true });
  };
}

async function readText(path: string): Promise<string | undefined> {
  return await readFile(path, "utf8").catch(() => undefined);
}

function urlOf(context: string): URL | undefined {
  try {
    return new URL((JSON.parse(context) as { readonly url: string }).url);
  } catch {
    return undefined;
  }
}

async function isServed({ hostname, port }: URL): Promise<boolean> {
  try {
    const socket = connect(Number(port), hostname.replace(/^\[|\]$/g, ""));
    socket.setTimeout(PROBE_MS, () => socket.destroy(new Error("no answer")));
    try {
      await once(socket, "connect");
      return true;
    } finally {
      socket.on("error", () => undefined).destroy();
    }
  } catch {
    return false;
  }
}
