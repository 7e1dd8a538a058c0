import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TemporaryDirectory, temporaryDirectory } from "@nex/testing";

/** A directory with these files in it. */
export async function sourceDirectory(
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<TemporaryDirectory> {
  const directory = await temporaryDirectory("nex-source-");
  for (const [name, content] of Object.entries(files)) {
    const file = join(directory.path, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  return directory;
}
