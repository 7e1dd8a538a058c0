import type { Feeds } from "../feeds/feeds.ts";
import type { ArtifactCache } from "../artifacts/artifact-cache.ts";
import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import type { NodeConfig } from "../config/node-config.ts";
import type { Bucket } from "../jetstream/bucket.ts";
import type { Fleet } from "../placement/fleet.ts";
import type { Presence } from "../placement/presence.ts";
import type { NodeIdentity } from "../state/identity.ts";
import type { SandboxDriver } from "@nex/sandboxes";
import type { Supervisor } from "../supervisor/supervisor.ts";
import type { SubjectRules } from "../triggers/subject-rules.ts";
import type { ConnectRules } from "../tunnels/connect-rules.ts";
import type { Admission } from "./admission.ts";
import type { DeploysUnderWay } from "./deploys-under-way.ts";

/** What the endpoints of the control API work with. */
export interface ControlContext {
  readonly config: NodeConfig;
  readonly identity: NodeIdentity;
  readonly admission: Admission;
  readonly supervisor: Supervisor;
  readonly deploys: DeploysUnderWay;
  readonly artifacts: ArtifactStore;
  readonly cache: ArtifactCache;
  readonly feeds: Feeds;
  /** Where services may be connected to. */
  readonly connectRules: ConnectRules;
  /** What workloads may be triggered by. */
  readonly subjects: SubjectRules;
  /** The kind of sandbox in use. */
  readonly sandbox: SandboxDriver;
  readonly startedAt: number;
  /** Records of the nexus. */
  readonly records: Bucket;
  /** The nodes of the nexus as one; `undefined` where the node keeps nothing, and acts for itself alone. */
  readonly fleet: Fleet | undefined;
  /** Which other nodes are there. */
  readonly presence: Presence;
  /** Tells the operator. */
  readonly warn: (line: string) => void;
  /** Whether the node takes no more deploys; there is no way back. */
  readonly lameDuck: { isOn: boolean };
}
