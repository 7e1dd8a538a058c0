import type { Command as Parser, CommanderError } from "commander";
import { NexError } from "@nex/protocol";

/** What the parser found wrong with the command line, in the form of all errors of nex. */
export function usageError(error: CommanderError, parser: Parser): NexError {
  const name = fullName(parser);
  if (error.code === "commander.help") {
    const verbs = parser.commands.map((command) => command.name()).join(", ");
    return new NexError("usage", `"${name}" needs a command after it: ${verbs}.`, { data: { command: name } });
  }
  const text = error.message.replace(/^error: /, "");
  const suggested = /\n\(Did you mean (?:one of )?(.+)\?\)$/s.exec(text)?.[1]?.split(", ") ?? [];
  const what = text.split("\n")[0]!.replace(/\.$/, "").replaceAll("'", '"');
  const sentence = what.charAt(0).toUpperCase() + what.slice(1);
  const guess = suggested.length > 0 ? ` Did you mean ${suggested.join(" or ")}?` : "";
  return new NexError("usage", `${sentence}.${guess}`, {
    data: { command: name, ...(suggested.length === 0 ? {} : { suggestions: suggested }) },
  });
}

/** `nex context ls` */
function fullName(parser: Parser): string {
  return parser.parent === null ? parser.name() : `${fullName(parser.parent)} ${parser.name()}`;
}
