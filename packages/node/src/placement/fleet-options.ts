import type { NatsConnection } from "@nats-io/transport-node";
import type { NexError } from "@nex/protocol";
import type { RevisionRecord } from "../registry/records.ts";
import type { NodeIdentity } from "../state/identity.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import type { FleetReport } from "./fleet-report.ts";
import type { ReadRevision } from "./local-workload.ts";
import type { NodeOffer } from "./node-offer.ts";

/** What a node's part in its fleet is made of. */
export interface FleetOptions {
  readonly connection: NatsConnection;
  readonly identity: NodeIdentity;
  /** Servers of a cluster that each keep a copy of the records. */
  readonly replicas: number;
  readonly failoverMs: number;
  /** Without places, which are counted here. */
  readonly offer: () => Omit<NodeOffer, "places">;
  /** Instances that may run here; 0 for no limit. */
  readonly maxInstances: number;
  readonly supervisor: Supervisor;
  /** A stored deploy, checked as if it had just come. @throws NexError where not even what it is can be told */
  readonly plan: (namespace: string, name: string, record: RevisionRecord) => ReadRevision;
  readonly report: FleetReport;
  /** Another node runs with this node's keys, and came first. */
  readonly onTwin: (error: NexError) => void;
  readonly warn: (line: string) => void;
}
