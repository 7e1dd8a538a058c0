/**
 * The channel between a Nex node and what runs in a sandbox.
 *
 * ```ts
 * const link = new Link(socket);
 * serveMethod(link, deploy, async (order) => ({ concurrency: "many" }));
 * const { token } = await callMethod(link, runnerToken, null);
 * ```
 */
export { Link, type CallOptions, type NotifyHandler, withdrawn } from "./link.ts";
export type { LinkOptions } from "./link-options.ts";
export { type IncomingCall } from "./calls/incoming-call.ts";
export { type ByteStream } from "./calls/byte-stream.ts";
export { joinSocket } from "./calls/join-socket.ts";
export type { Settle } from "./calls/outgoing-calls.ts";
export { decodeError } from "./calls/error-body.ts";
export { FrameReader } from "./frames/frame-reader.ts";
export { FrameWriter } from "./frames/frame-writer.ts";
export {
  DEFAULT_MAX_BODY,
  type Frame,
  FrameType,
  HEADER_BYTES,
  INITIAL_CREDIT,
  MAX_DATA_BYTES,
} from "./frames/frame.ts";
export {
  decodeReply,
  decodeTrigger,
  encodeReplyHead,
  encodeTriggerHead,
  type HeaderList,
  type TriggerMessage,
} from "./trigger-message.ts";
export {
  decodeServiceAnswer,
  decodeServiceRequest,
  encodeServiceAnswer,
  encodeServiceRequest,
  SERVICE_CODE,
  type ServiceAnswer,
  type ServiceRequest,
  WHOLE_FLAG,
} from "./service-message.ts";

export { callMethod, decode, defineMethod, type Method, serveMethod } from "./api/method.ts";
export {
  agreeOnVersion,
  type Hello,
  hello,
  type HelloReply,
  LINK_ROLES,
  LINK_VERSION,
  type LinkRole,
} from "./api/hello.ts";
export {
  artifact,
  type ArtifactReply,
  EVENT_CODE,
  type LinkLogRecord,
  type LogBatch,
  logBatch,
  LOGS_CODE,
  MAX_TUNNELS,
  runnerToken,
  type RunnerToken,
  servicesToken,
  tunnel,
  type TunnelOrder,
  type WorkloadEvent,
  workloadEvent,
} from "./api/node-api.ts";
export {
  ABANDONED_CODE,
  deploy,
  type DeployOrder,
  type DeployReply,
  replaceRunner,
  type ReplaceRunnerOrder,
  TRIGGER_CODE,
  undeploy,
  type UndeployOrder,
  type UndeployReply,
} from "./api/agent-api.ts";
export { DeadlineClock } from "./calls/deadline-clock.ts";
export { boot, type BootOrder, load, type LoadOrder, type LoadReply } from "./api/runner-api.ts";
export { type AgentMetadata, agentMetadata, type AgentResume, type LinkAddress, parseLinkAddress } from "./address.ts";
