import type { Socket } from "node:net";

export const SANDBOX_NAMES = ["process", "bubblewrap", "qemu", "firecracker"] as const;
export type SandboxName = (typeof SANDBOX_NAMES)[number];

/** Files that every sandbox needs in one way or another. */
export interface SandboxPrograms {
  /** The Node that runs agent and runner. */
  readonly node: string;
  readonly agent: string;
  readonly runner: string;
}

/** What a driver is told when a sandbox is to start. */
export interface SandboxOrder {
  readonly agentId: string;
  /** Single use, for the agent's hello. */
  readonly token: string;
  /** The node's own directory for this sandbox; the driver makes it and takes it back. */
  readonly directory: string;
  readonly programs: SandboxPrograms;
  /** Takes every connection the sandbox opens. That a socket came in here is what tells who is calling. */
  readonly onConnection: (socket: Socket) => void;
  /** What agent or machine write outside any workload: their own faults. */
  readonly onOutput: (line: string) => void;
}

/** Why a sandbox ended. */
export interface SandboxEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** One running sandbox with its agent. It serves one workload and is destroyed, never reused. */
export interface Sandbox {
  readonly ended: Promise<SandboxEnd>;
  /** Ends everything inside: asks first, kills after `graceMs`, and takes back every resource. Never throws. */
  destroy(graceMs: number): Promise<void>;
}

/** One way to wall a workload in. A new sandbox is a folder here and a line in `registry.ts`. */
export interface SandboxDriver {
  readonly name: SandboxName;
  /** True if it holds against a hostile workload. */
  readonly isBoundary: boolean;
  /** Why it cannot be used on this machine, or `undefined`. */
  unavailable(): Promise<string | undefined>;
  /** @throws NexError `sandbox_failed` */
  start(order: SandboxOrder): Promise<Sandbox>;
}
