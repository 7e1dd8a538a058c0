import { DENIED_SUBJECTS } from "@nex/protocol";
import type { SubjectScope } from "./namespace-subjects.ts";

/** What a NATS user may do, as nats-server's configuration has it. Where a list is missing, everything is allowed. */
export interface UserRights {
  readonly publish?: SubjectRights;
  readonly subscribe?: SubjectRights;
}

export interface SubjectRights {
  readonly allow?: readonly string[];
  /** Wins over `allow`. */
  readonly deny?: readonly string[];
}

export interface NamespaceSurroundings {
  readonly scope: SubjectScope;
  /** All namespaces of this server, whose inboxes this one may write to and, but for its own, not read. */
  readonly namespaces: readonly string[];
}

/**
 * First tokens nats-server 2.9 and its clients keep for themselves. NATS wildcards stand for whole tokens, so
 * "all that begins with `$`" has to be listed: JetStream's cluster and raft subjects, gateway replies, leafnode loops.
 */
const SERVER_SUBJECTS: readonly string[] = ["$JSC.>", "$NRG.>", "$GR.>", "$GNR.>", "$LDS.>", "$OBJ.>", "_GR_.>"];

const INBOXES = "_INBOX.>";

/**
 * A connection with a namespace's rights subscribes to this first of all; nothing is ever sent there.
 *
 * nats-server (tried: 2.9.10) filters what it delivers by `deny` only once a connection has a subscription that takes
 * in a whole denied pattern: `>` does, but with `*.*.x` alone denied messages come through. This one is refused nothing
 * and turns the filter on for all others of the connection, also after the rights have changed.
 */
export const DENY_FILTER_SUBJECT = "_NEX_DENY.*";
const DENY_FILTER_DENIED = "_NEX_DENY.on";

/** First token of the inboxes of a namespace's connection. */
export function namespaceInbox(namespace: string): string {
  return `_INBOX_${namespace}`;
}

/**
 * The rights of the user over whose connection a namespace's triggers and messages go: the ordinary subjects of its
 * scope, nothing of the server's, of JetStream's, of Nex's, and nobody else's inbox to read.
 *
 * Inboxes may be written to: that is how a function answers. `allow_responses` is not the way, because nats-server
 * lets it win over `deny` (tried on 2.9.10): a caller who names `$KV.bucket.key`, or a subject of another namespace, as
 * the reply subject would then have the node write there. Without it the server refuses such a reply, and an inbox
 * nobody can read cannot be guessed.
 *
 * `deny` also wins over `allow`. Rights to a namespace's own buckets (`$KV.hs_<namespace>_….>` and the JetStream
 * API for them) thus cannot be added to these; they belong to other users, see `storage-rights.ts`.
 */
export function namespaceRights(namespace: string, { scope, namespaces }: NamespaceSurroundings): UserRights {
  const reserved = [...new Set([...DENIED_SUBJECTS, ...SERVER_SUBJECTS])];
  const unwritable = reserved.filter((subject) => subject !== INBOXES);
  const unreadable = [...reserved, DENY_FILTER_DENIED, ...inboxesOf(namespaces.filter((each) => each !== namespace))];
  if ("allBut" in scope) {
    return {
      publish: { deny: [...unwritable, ...scope.allBut.publish] },
      subscribe: { deny: [...unreadable, ...scope.allBut.subscribe] },
    };
  }
  const { publish, subscribe } = scope.only;
  return {
    publish: { allow: [...publish, INBOXES, ...inboxesOf([...namespaces, namespace])], deny: unwritable },
    subscribe: { allow: [...subscribe, ...inboxesOf([namespace]), DENY_FILTER_SUBJECT], deny: unreadable },
  };
}

function inboxesOf(namespaces: readonly string[]): string[] {
  return [...new Set(namespaces)].map((namespace) => `${namespaceInbox(namespace)}.>`);
}
