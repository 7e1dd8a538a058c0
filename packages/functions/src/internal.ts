/**
 * The second entry of this package: the pure parts that the runner and the test harness share, so that a function
 * meets the same rules in both. For the packages of Nex only; it may change in any release.
 */
export { HeaderMap } from "./headers.ts";
export type { HeadersInput } from "./headers.ts";
export { InvocationContext, InvocationEvent, handlerFailure } from "./invocation.ts";
export type { InvocationParts } from "./invocation.ts";
export {
  headersOf,
  keyOf,
  objectNameOf,
  optionalTextOf,
  payloadOf,
  revisionOf,
  subjectOf,
  timeToLiveOf,
  valueOf,
} from "./services/arguments.ts";
export { objectBody } from "./services/object-body.ts";
export { ReadableObject } from "./services/readable-object.ts";
export { ReceivedMessage } from "./services/received-message.ts";
export { serviceError } from "./services/service-error.ts";
export { StoredEntry } from "./services/stored-entry.ts";
export { Reply, encodeReply } from "./reply.ts";
export type { EncodedReply } from "./reply.ts";
