export { type CatalogueEntry, errorCatalogue, errorGroups, type NexErrorCode } from "./error-catalogue.ts";
export {
  fromErrorJson,
  isNexError,
  isNexErrorCode,
  NexError,
  type NexErrorJson,
  type NexErrorOptions,
  toNexError,
} from "./errors.ts";

export {
  checkName,
  HOST_SERVICES,
  type HostServiceName,
  isName,
  legacyKind,
  parseKind,
  SYSTEM_NAMESPACE,
  WORKLOAD_KINDS,
  type WorkloadKind,
} from "./workloads/names.ts";
export { checkKey, checkKeyPrefix } from "./workloads/bucket-keys.ts";
export { checkMessageSubject } from "./workloads/message-subjects.ts";
export { ARTIFACT_BUCKET, ARTIFACT_BUCKET_DESCRIPTION, DEFAULT_ARTIFACT_QUOTA } from "./workloads/artifacts.ts";
export { type Destination, formatDestination, isLoopbackHost, parseDestination } from "./workloads/destinations.ts";
export { formatSize, formatUptime, parseDuration, parseSize } from "./workloads/quantities.ts";
export { durationSchema } from "./workloads/duration-schema.ts";
export { sizeSchema } from "./workloads/size-schema.ts";
export {
  captures,
  checkTrigger,
  DENIED_SUBJECTS,
  isLiteralSubject,
  isReserved,
  isSubjectPattern,
  subjectCovers,
  subjectMatches,
  subjectsOverlap,
  type TriggerRules,
} from "./workloads/subjects.ts";

export { ExchangeKey } from "./keys/exchange-key.ts";
export { createSeed, decodePublic, decodeSeed, encodePublic, encodeSeed, type NkeyRole } from "./keys/nkey.ts";
export { SigningKey, verify } from "./keys/signing-key.ts";

export {
  type Claims,
  type ClaimsAction,
  decodeClaims,
  LEGACY_HASH,
  type NewClaims,
  signClaims,
} from "./control/claims.ts";
export {
  checkClaims,
  checkDeployClaims,
  checkStopClaims,
  type ClaimsExpectation,
  CLOCK_SKEW_MS,
  type DeployExpectation,
  isLegacyClaims,
  LEGACY_CLAIMS_AGE_MS,
  MAX_CLAIMS_LIFETIME_MS,
  rememberClaimsUntil,
} from "./control/claims-checks.ts";
export {
  checkRequestDigest,
  parseSignedRequest,
  requestDigest,
  type SignedRequest,
  signRequest,
} from "./control/signed-request.ts";
export { legacyClaimsId, type StandardClaims } from "./control/claims-id.ts";
export {
  ENVELOPE_TYPES,
  type EnvelopeType,
  failureEnvelope,
  type FailureEnvelope,
  readEnvelope,
  readReply,
  successEnvelope,
  type SuccessEnvelope,
} from "./control/envelope.ts";
export { type Environment, openEnvironment, sealEnvironment } from "./control/sealed-environment.ts";
export {
  CONTROL_OPERATIONS,
  type ControlOperation,
  type ControlSubject,
  controlSubjects,
  parseControlSubject,
} from "./control/subjects.ts";

export {
  deployKind,
  type DeployLocation,
  type DeployRequest,
  deployRequestSchema,
  type HostServiceLimits,
  type PlacementRequest,
  type LegacyConnection,
  MAX_ARGUMENT_BYTES,
  objectLocation,
  readObjectLocation,
} from "./control/messages/deploy.ts";
export {
  checkMessage,
  DEFAULT_MESSAGE_LIMITS,
  encodeMessage,
  type MessageLimits,
  parseJson,
  parseMessage,
} from "./control/messages/parse.ts";
export {
  type AuctionRequest,
  auctionRequestSchema,
  type InfoRequest,
  infoRequestSchema,
  type LogsRequest,
  logsRequestSchema,
  parseQuery,
  type RecentEventsRequest,
  recentEventsRequestSchema,
  type WorkloadsRequest,
  workloadsRequestSchema,
} from "./control/messages/queries.ts";
export {
  type HostServiceOffer,
  type InfoResponse,
  infoResponseSchema,
  type LameDuckResponse,
  lameDuckResponseSchema,
  type MachineSummary,
  type PingResponse,
  pingResponseSchema,
  type RollbackResponse,
  rollbackResponseSchema,
  type RunResponse,
  runResponseSchema,
  type StopResponse,
  stopResponseSchema,
  type UndeployResponse,
  undeployResponseSchema,
  type WorkloadPingResponse,
  workloadPingResponseSchema,
} from "./control/messages/replies.ts";
export {
  type RollbackRequest,
  rollbackRequestSchema,
  type StopRequest,
  stopRequestSchema,
  type UndeployRequest,
  undeployRequestSchema,
} from "./control/messages/stop.ts";
export {
  type HostServiceLimitsSummary,
  type InstanceSummary,
  instanceSummarySchema,
  WORKLOAD_STATES,
  type WorkloadDetail,
  workloadDetailSchema,
  type WorkloadRevision,
  type WorkloadsResponse,
  workloadsResponseSchema,
  type WorkloadState,
  type WorkloadSummary,
  workloadSummarySchema,
} from "./control/messages/workloads.ts";

export {
  createEvent,
  decodeEvent,
  encodeEvent,
  EVENT_TYPES,
  eventSchema,
  type EventType,
  type NexEvent,
  type RecentEventsResponse,
  recentEventsResponseSchema,
} from "./feeds/events.ts";
export {
  decodeLogRecord,
  encodeLogRecord,
  LOG_LEVELS,
  LOG_STREAMS,
  type LogLevel,
  type LogRecord,
  logRecordSchema,
  type LogsResponse,
  logsResponseSchema,
  type LogStream,
} from "./feeds/logs.ts";
export {
  readServiceError,
  SERVICE_ERROR_CODE_HEADER,
  SERVICE_ERROR_HEADER,
  serviceErrorBody,
  type ServiceErrorBody,
  serviceErrorHeaders,
} from "./feeds/service-errors.ts";
export {
  eventSubject,
  legacyLogSubject,
  type LogSource,
  logSubject,
  parseEventSubject,
  parseLogSubject,
} from "./feeds/subjects.ts";

export { type TlsFailure, tlsFailure } from "./tls-failure.ts";
