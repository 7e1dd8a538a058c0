import type { KV } from "@nats-io/kv";
import type { OpenBucket } from "../host/bucket.ts";

/** Purges under way at once. */
const AT_ONCE = 32;

/**
 * Takes away what deleted keys have left. A deleted key leaves a marker, so that whoever watches the bucket sees it
 * go; each takes some hundred bytes for ever, and a bucket whose keys come and go is full of them one day.
 *
 * @returns how many there were
 */
export async function dropMarkers(kv: KV, { manager, stream, name }: OpenBucket): Promise<number> {
  const markers: { readonly key: string; readonly revision: number }[] = [];
  // A bucket that is full holds something, so there is a last one.
  for await (const { key, revision, operation, delta } of await kv.watch({ key: ">", headers_only: true })) {
    if (operation !== "PUT") markers.push({ key, revision });
    if (delta === 0) break;
  }
  for (let start = 0; start < markers.length; start += AT_ONCE) {
    await Promise.all(
      markers.slice(start, start + AT_ONCE).map(
        // Up to the marker: the key may have a value again by now.
        async ({ key, revision }) =>
          await manager.streams.purge(stream, { filter: `$KV.${name}.${key}`, seq: revision + 1 }),
      ),
    );
  }
  return markers.length;
}
