import { type FileHandle, open } from "node:fs/promises";

/** Files that are open to be handed to a child process. */
export interface OpenFiles extends AsyncDisposable {
  readonly descriptors: readonly number[];
}

export async function openFiles(paths: readonly string[]): Promise<OpenFiles> {
  const files: FileHandle[] = [];
  const close = async (): Promise<void> => void (await Promise.all(files.map(async (file) => await file.close())));
  try {
    // One after another: of several at once, those that opened would be lost, and stay open, when one fails.
    for (const path of paths) files.push(await open(path));
  } catch (error) {
    await close();
    throw error;
  }
  return { descriptors: files.map((file) => file.fd), [Symbol.asyncDispose]: close };
}
