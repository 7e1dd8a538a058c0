/** What a long-running program needs of the machine it runs on. Knows nothing of NATS or workloads. */
export { backoffMs } from "./pacing/backoff.ts";
export { RateLimit } from "./pacing/rate-limit.ts";
export { configHome, stateHome } from "./places/xdg.ts";
export { findProgram, isExecutable } from "./processes/find-program.ts";
export { lockFile } from "./processes/file-lock.ts";
export { withoutInherited } from "./processes/inherited-files.ts";
export { isRunning, type ProcessIdentity, processIdentity } from "./processes/process-identity.ts";
