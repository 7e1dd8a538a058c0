import { readFileSync } from "node:fs";

/** Version of the CLI. Read from the manifest, which lies one directory above both `src` and `dist`. */
export function ownVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    readonly version: string;
  };
  return manifest.version;
}
