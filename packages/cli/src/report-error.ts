import { errorCatalogue, isNexError, type NexError, toNexError } from "@nex/protocol";
import { printableJson, printableLines } from "./terminal/printable.ts";
import { paint, type Terminal } from "./terminal/terminal.ts";

/**
 * Tells the user about a failure on stderr: a message and what to do, or with `--json` the error as one object.
 * With NEX_DEBUG set, faults of nex itself come with their stack.
 */
export function reportError(terminal: Terminal, thrown: unknown, isJson: boolean): void {
  const error = toNexError(thrown);
  const { stderr } = terminal;
  if (isJson) {
    stderr.write(`${printableJson({ error: error.toJSON() })}\n`);
  } else {
    const remedy = remedyOf(error);
    const code = paint(stderr, "dim", `[${error.code}]`);
    const lines = [printableLines(error.message), ...(isTold(remedy, error) ? [] : [printableLines(remedy)])];
    stderr.write(`${paint(stderr, ["bold", "red"], "error:")} ${lines.join("\n")} ${code}\n`);
  }
  if (!isNexError(thrown) && thrown instanceof Error && terminal.env["NEX_DEBUG"])
    stderr.write(`${printableLines(thrown.stack ?? "")}\n`);
}

/** A message often names the command that helps, in the terms of its own case; then the general advice adds nothing. */
function isTold(remedy: string, { message }: NexError): boolean {
  const command = /`(nex [^`]+)`/.exec(remedy)?.[1];
  return command !== undefined && message.includes(command);
}

function remedyOf(error: NexError): string {
  const command = error.data["command"];
  if (error.code === "usage" && typeof command === "string") return `See \`${command} --help\`.`;
  return errorCatalogue[error.code].remedy;
}
