import type { HeaderList } from "@nex/link";
import { NexError } from "@nex/protocol";

/** Printable ASCII without the colon, which ends a name. */
const NAME = /^[!-9;-~]+$/;

/** Headers as a guest writes them: `Name: value`, each with a line feed behind it. @throws NexError `invalid_request` */
export function readHeaderLines(text: string): HeaderList {
  if (text === "") return [];
  return text
    .split("\n")
    .filter((line, index, lines) => line !== "" || index < lines.length - 1)
    .map(readLine);
}

/** Headers as a guest reads them. */
export function writeHeaderLines(headers: HeaderList): string {
  // A line break cannot be in a header that NATS or HTTP has carried.
  return headers.map(([name, value]) => `${name}: ${value}\n`).join("");
}

function readLine(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(colon, 0));
  const value = line.slice(colon + 1).replace(/^ /, "");
  if (NAME.test(name) && !value.includes("\r")) return [name, value];
  throw new NexError(
    "invalid_request",
    `"${line.slice(0, 80)}" is not a header: write "Name: value" with a line feed behind it, the name in printable ASCII.`,
  );
}
