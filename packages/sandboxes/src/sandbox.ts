import type { Socket } from "node:net";
import type { Check } from "./check.ts";
import type { FirecrackerConfig } from "./firecracker/config.ts";
import type { QemuConfig } from "./qemu/config.ts";

export const SANDBOX_NAMES = ["process", "bubblewrap", "qemu", "firecracker"] as const;
export type SandboxName = (typeof SANDBOX_NAMES)[number];

/** Files that every sandbox needs in one way or another. */
export interface SandboxPrograms {
  /** The Node that runs agent and runner. */
  readonly node: string;
  readonly agent: string;
  readonly runner: string;
  /** Of the `bubblewrap` sandbox. Default: the `bwrap` on PATH. */
  readonly bubblewrap?: string | undefined;
}

/** What a sandbox holds what is in it to. A limit that is absent is not set. */
export interface SandboxLimits {
  /** Of the workload, bytes; what agent and runner need comes on top. */
  readonly memoryBytes?: number;
  /** Processor time in processors: 0.5 is half of one. */
  readonly cpus?: number;
  /** Processes and threads of the workload; those of agent and runner come on top. */
  readonly processes?: number;
}

export type SandboxLimit = keyof SandboxLimits;

/** What the operator has said about sandboxes. */
export interface SandboxConfig {
  /** Held from the start; a deploy can only narrow them. */
  readonly limits: SandboxLimits;
  /** Room for the files of one workload, its artifact among them, bytes. */
  readonly diskBytes: number;
  /** Lets workloads in bubblewrap use this machine's network. */
  readonly shareNetwork: boolean;
  /** Program of the bubblewrap sandbox. Default: the `bwrap` on PATH. */
  readonly bubblewrap?: string | undefined;
  /** Where `nex image build` has put root file system, initramfs and kernel. */
  readonly imageDirectory: string;
  readonly firecracker: FirecrackerConfig;
  /** For what a driver keeps between starts of the node: what works on this machine, states of booted machines. */
  readonly cacheDirectory: string;
  readonly qemu: QemuConfig;
  /** Takes lines for the operator, at any time. */
  readonly onWarning: (line: string) => void;
}

/** What a driver is told when a sandbox is to start. */
export interface SandboxOrder {
  readonly agentId: string;
  /** A token for one hello of the agent, or `undefined` once no agent may come in any more. */
  readonly issueToken: () => string | undefined;
  /** The node's own directory for this sandbox; the driver makes it and takes it back. */
  readonly directory: string;
  readonly programs: SandboxPrograms;
  /** Takes every connection the sandbox opens. That a socket came in here is what tells who is calling. */
  readonly onConnection: (socket: Socket) => void;
  /** What agent or machine write outside any workload: their own faults. */
  readonly onOutput: (line: string, kind?: OutputKind) => void;
}

/** `routine`: said at every start, and worth reading only when that start fails. */
export type OutputKind = "routine" | "trouble";

/** Why a sandbox ended. */
export interface SandboxEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** In words, where more is known than code and signal say. */
  readonly reason?: string;
}

/** One running sandbox with its agent. It serves one workload and is destroyed, never reused. */
export interface Sandbox {
  readonly ended: Promise<SandboxEnd>;
  /** Tightens limits to those of the workload that is about to be deployed. @throws NexError `sandbox_failed` */
  narrow(limits: SandboxLimits): Promise<void>;
  /**
   * Present where an init system inside starts the agent again when it has died: sees to it that the next one
   * finds a new token. Called only while nothing is deployed.
   */
  readonly revive?: () => Promise<void>;
  /** Processes in it that the kernel has ended so far because the limit of memory was reached. Absent: it is not known. */
  readonly oomKills?: () => number;
  /** Ends everything inside: asks first, kills after `graceMs`, and takes back every resource. Never throws. */
  destroy(graceMs: number): Promise<void>;
}

/** One way to wall a workload in. A new sandbox is a folder here and a line in `registry.ts`. */
export interface SandboxDriver {
  readonly name: SandboxName;
  /** True if it holds against a hostile workload. */
  readonly isBoundary: boolean;
  /** `none`: what is inside reaches nothing but its link, and destinations that are tunnelled over it. */
  readonly network: "host" | "none";
  /** Limits that hold here. A deploy that asks for another one is refused. */
  readonly limits: ReadonlySet<SandboxLimit>;
  /** Why the others do not, and how they would; absent where it is not this machine's doing. */
  readonly limitsRemedy?: string;
  /**
   * How much longer than on the bare machine things may take inside before they count as stuck; 1, but more
   * under emulation.
   */
  readonly patience: number;
  /** Why it cannot be used on this machine, or `undefined`. */
  unavailable(): Promise<string | undefined>;
  /** What it needs of this machine, one by one, for `nex node preflight`. Default: {@link unavailable} is all it has to say. */
  preflight?(): Promise<Check[]>;
  /** @throws NexError `sandbox_failed` */
  start(order: SandboxOrder): Promise<Sandbox>;
  /** Ends what it does besides its sandboxes, which are gone by then. */
  close?(): Promise<void>;
}
