import { NexError } from "@nex/protocol";
import { formatPosition, type SourcePosition, syntaxError } from "../../providers/javascript/syntax-error.ts";
import { FUNCTION_URL_PREFIX, readableStack, stackOf } from "../console.ts";

const PREFIX = RegExp.escape(FUNCTION_URL_PREFIX);

/** Characters of a stack that are told. A source of one long line comes with its whole line. */
const MAX_STACK = 4096;

/** A SyntaxError with a frame of the function's own was thrown by its code, as by `JSON.parse`. */
const THROWN_BY_CODE = new RegExp(`\\n    at .*${PREFIX}`);

/** What the source did wrong while it was loaded, with its place. */
export function loadFailure(thrown: unknown): NexError {
  if (thrown instanceof NexError) return thrown;
  const { name, message } = describe(thrown);
  const stack = stackOf(thrown);
  const position = stack === undefined ? undefined : positionIn(stack);
  if (name === "SyntaxError" && !THROWN_BY_CODE.test(stack ?? "")) return syntaxError(`${name}: ${message}`, position);
  return new NexError(
    "invalid_artifact",
    `The source threw while it was loaded${formatPosition(position)}: ${name}: ${message}`,
    {
      cause: thrown,
      data: { ...position, ...(stack === undefined ? {} : { stack: readableStack(stack).slice(0, MAX_STACK) }) },
    },
  );
}

function describe(thrown: unknown): { readonly name: string; readonly message: string } {
  try {
    if (typeof thrown === "object" && thrown !== null && "message" in thrown) {
      return { name: String((thrown as Error).name), message: String((thrown as Error).message) };
    }
    return { name: "Thrown", message: String(thrown) };
  } catch {
    return { name: "Thrown", message: "something that has no text" };
  }
}

/**
 * The first place in the function's own source that a stack names: its topmost frame, else the line above an
 * excerpt of the source, with the column where the caret stands.
 */
function positionIn(stack: string): SourcePosition | undefined {
  const frame = new RegExp(`\\n    at .*?${PREFIX}(.+?):(\\d+):(\\d+)`).exec(stack);
  const excerpt = new RegExp(`^${PREFIX}(.+?):(\\d+)\\n(?:.*\\n([ \\t]*)\\^)?`).exec(stack);
  if (frame !== null) return { file: frame[1]!, line: Number(frame[2]), column: Number(frame[3]) };
  if (excerpt === null) return undefined;
  const column = excerpt[3] === undefined ? {} : { column: excerpt[3].length + 1 };
  return { file: excerpt[1]!, line: Number(excerpt[2]), ...column };
}
