import { NexError } from "@nex/protocol";
import { FUNCTION_URL_PREFIX, readableStack } from "../console.ts";

interface Position {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
}

/** What the source did wrong while it was loaded, with its place. */
export function loadFailure(thrown: unknown): NexError {
  if (thrown instanceof NexError) return thrown;
  const { name, message } = describe(thrown);
  const position = positionOf(thrown);
  const where =
    position === undefined
      ? ""
      : ` at ${position.file}:${position.line}${position.column === undefined ? "" : `:${position.column}`}`;
  const what = name === "SyntaxError" ? "The source has a syntax error" : "The source threw while it was loaded";
  return new NexError("invalid_artifact", `${what}${where}: ${name}: ${message}`, {
    cause: thrown,
    data: { ...position, stack: stackOf(thrown) },
  });
}

function describe(thrown: unknown): { readonly name: string; readonly message: string } {
  if (typeof thrown === "object" && thrown !== null && "message" in thrown) {
    return { name: String((thrown as Error).name), message: String((thrown as Error).message) };
  }
  return { name: "Thrown", message: String(thrown) };
}

function stackOf(thrown: unknown): string | undefined {
  const stack = typeof thrown === "object" && thrown !== null ? (thrown as Error).stack : undefined;
  return typeof stack === "string" ? readableStack(stack).slice(0, 4096) : undefined;
}

/**
 * The first place in the function's own source that a stack names: for a syntax error the line above the
 * source excerpt, with the column where the caret stands; for anything thrown, its topmost frame.
 */
function positionOf(thrown: unknown): Position | undefined {
  const stack = typeof thrown === "object" && thrown !== null ? (thrown as Error).stack : undefined;
  if (typeof stack !== "string") return undefined;
  const prefix = RegExp.escape(FUNCTION_URL_PREFIX);
  const excerpt = new RegExp(`^${prefix}(.+?):(\\d+)\\n.*\\n( *)\\^`).exec(stack);
  if (excerpt !== null) return { file: excerpt[1]!, line: Number(excerpt[2]), column: excerpt[3]!.length + 1 };
  const frame = new RegExp(`${prefix}(.+?):(\\d+)(?::(\\d+))?`).exec(stack);
  if (frame === null) return undefined;
  return { file: frame[1]!, line: Number(frame[2]), ...(frame[3] === undefined ? {} : { column: Number(frame[3]) }) };
}
