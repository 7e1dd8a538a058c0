import { randomUUID } from "node:crypto";
import { NexError } from "@nex/protocol";
import type { Bucket } from "../jetstream/bucket.ts";
import { NEXUS_KEY, type NexusRecord, readNexus, writeRecord } from "./records.ts";

export interface NexusMembership {
  /** Public half of this node's nexus key. */
  readonly xkey: string;
  /** This node. */
  readonly node: string;
  /** Name of the nexus, for messages. */
  readonly name: string;
  /** Whether other nodes run something of it. */
  readonly isShared: () => boolean;
  readonly warn: (line: string) => void;
}

/**
 * Reads which nexus the bucket belongs to, and writes it into a bucket that belongs to none yet. A node that made the
 * key itself and is alone may have another one now; nobody else may.
 * @throws NexError `nexus_key_mismatch` where its environments cannot be opened here; `jetstream_unavailable`, `record_unreadable`
 */
export async function enterNexus(bucket: Bucket, membership: NexusMembership): Promise<NexusRecord> {
  const { xkey, node, name, isShared, warn } = membership;
  for (;;) {
    const found = await bucket.get(NEXUS_KEY);
    const record = found?.bytes === undefined ? undefined : readNexus(NEXUS_KEY, found.bytes);
    if (record?.xkey === xkey) return record;
    if (record !== undefined) {
      if (record.node !== node || isShared()) throw otherKey(name, record.xkey, xkey);
      warn(
        `The nexus key is another one than before: environments sealed to ${record.xkey} cannot be opened any more.`,
      );
    }
    const next = { id: record?.id ?? randomUUID(), xkey, node };
    const written = await bucket.replace(NEXUS_KEY, writeRecord(next), found?.sequence ?? 0);
    if (written !== undefined) return next;
  }
}

function otherKey(name: string, theirs: string, ours: string): NexError {
  return new NexError(
    "nexus_key_mismatch",
    `The nexus "${name}" on this NATS system has the key ${theirs}, and this node has ${ours}: it could not open the environments of its workloads. To join it, run nex keys export on one of its nodes and start this one with NEX_NEXUS_KEY=… or nexus_key_file. To be apart from it, give this node another nexus (--nexus).`,
    { data: { nexus: name, expected: theirs, found: ours } },
  );
}
