import type { UserRights } from "./namespace-rights.ts";

/** A workload's buckets and the namespace it lives in. */
export interface StorageOwner {
  readonly namespace: string;
  /** Bucket names, without the prefixes of their streams. */
  readonly kv: string;
  readonly objectStore: string;
}

/**
 * Where answers to a storage connection go. No namespace's ordinary user may read anything below `_INBOX`, and no other
 * storage user this.
 */
export function storageInbox({ namespace, kv }: StorageOwner): string {
  return `_INBOX.storage.${namespace}.${kv}`;
}

/**
 * The rights of the user over whose connection one workload's buckets are read and written: these two streams, by name,
 * and what JetStream's API needs for them. An `allow` list only: a `deny` would win over it.
 */
export function storageRights(owner: StorageOwner): UserRights {
  const streams = [`KV_${owner.kv}`, `OBJ_${owner.objectStore}`];
  return {
    publish: {
      allow: [
        `$KV.${owner.kv}.>`,
        `$O.${owner.objectStore}.>`,
        ...streams.flatMap((stream) => [
          `$JS.API.STREAM.INFO.${stream}`,
          `$JS.API.STREAM.CREATE.${stream}`,
          `$JS.API.STREAM.PURGE.${stream}`,
          `$JS.API.STREAM.MSG.GET.${stream}`,
          `$JS.API.DIRECT.GET.${stream}`,
          `$JS.API.DIRECT.GET.${stream}.>`,
          // Keys are listed by a consumer that lives as long as the list.
          `$JS.API.CONSUMER.CREATE.${stream}`,
          `$JS.API.CONSUMER.CREATE.${stream}.>`,
          `$JS.API.CONSUMER.INFO.${stream}.*`,
          `$JS.API.CONSUMER.MSG.NEXT.${stream}.*`,
          `$JS.API.CONSUMER.DELETE.${stream}.*`,
        ]),
      ],
    },
    subscribe: { allow: [`${storageInbox(owner)}.>`] },
  };
}
