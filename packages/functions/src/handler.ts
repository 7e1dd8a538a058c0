import type { FunctionContext } from "./context.ts";
import type { FunctionEvent } from "./event.ts";

/**
 * A function in its module form: the default export of the module.
 *
 * What it returns, or its promise resolves to, is the reply: bytes and strings go out as they are, `undefined`
 * as an empty reply, `ctx.reply(…)` with its headers, anything else as JSON. What it throws is told to the
 * caller as `function_failed`. Invocations run concurrently up to the workload's `max_in_flight`.
 */
export type Handler = (event: FunctionEvent, ctx: FunctionContext) => unknown;
