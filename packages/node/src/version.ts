import type { WorkloadKind } from "@nex/protocol";

/** Of this release, all packages alike. */
export const VERSION = "0.1.0";

/** Kinds the agent of this release can run. */
export const SUPPORTED_KINDS: readonly WorkloadKind[] = ["elf", "javascript", "wasm"];
