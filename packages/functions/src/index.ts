/**
 * What the author of a Nex function imports.
 *
 * ```ts
 * import type { Handler } from "@nex/functions";
 *
 * export default (async (event, ctx) => {
 *   ctx.log.info("greeting", event.captures[0]);
 *   return { hello: event.captures[0], got: event.json() };
 * }) satisfies Handler;
 * ```
 *
 * and, in a test of it:
 *
 * ```ts
 * const reply = await testFunction(greet).invoke("greet.ada", { n: 1 }, { pattern: "greet.*" });
 * assert.deepEqual(reply.json(), { hello: "ada", got: { n: 1 } });
 * ```
 */
export type { FunctionContext, FunctionLog, WorkloadIdentity } from "./context.ts";
export type { FunctionEvent, MessageHeaders } from "./event.ts";
export type { Handler } from "./handler.ts";
export type { HeadersInput } from "./headers.ts";
export type { Reply, ReplyOptions, ReplyPayload } from "./reply.ts";

export type { FunctionServices } from "./services/function-services.ts";
export type { Http } from "./services/http.ts";
export type { Message, Messaging, PublishOptions, RequestManyOptions, RequestOptions } from "./services/messaging.ts";
export type { ObjectBody, ObjectInfo, ObjectPutOptions, ObjectStore, StoredObject } from "./services/object-store.ts";
export type { KeyValue, KeyValueEntry, KeyValuePutOptions } from "./services/key-value.ts";

export { testFunction } from "./harness.ts";
export type { TestFunction, TestFunctionOptions, TestInvokeOptions, TestLogRecord, TestReply } from "./harness.ts";
