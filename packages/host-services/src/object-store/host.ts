import { NexError } from "@nex/protocol";
import { KeptBucket, openBucket } from "../host/bucket.ts";
import { bucketName } from "../host/config.ts";
import type { HostService, OpenService, ServiceCall, ServiceReply, ServiceScope } from "../host/service.ts";
import { OBJECT_STORE_CODE, ObjectStoreMethod } from "./contract.ts";
import { ObjectBucket, type StoredInfo } from "./object-bucket.ts";

export const objectStoreHost: HostService = {
  name: "objectStore",
  code: OBJECT_STORE_CODE,
  methods: ObjectStoreMethod,
  usesNats: true,
  isEnabled: (config) => config.object_store.enabled,
  open: (scope) => new ObjectStoreHost(scope),
};

/** Of a name in UTF-8; it becomes part of a subject, a third longer. */
const MAX_NAME_BYTES = 1024;

const NOTHING: ServiceReply = {};

/** One workload's object store. */
class ObjectStoreHost implements OpenService {
  readonly #store: KeptBucket<ObjectBucket>;

  constructor(scope: ServiceScope) {
    this.#store = new KeptBucket(async () => await openStore(scope));
  }

  async call(call: ServiceCall): Promise<ServiceReply> {
    const [name = "", description = ""] = call.args;
    if (call.method === ObjectStoreMethod.list)
      return { body: lines(this.#store.each("The objects cannot be listed", (bucket) => bucket.list())) };
    checkName(name);
    switch (call.method) {
      case ObjectStoreMethod.get: {
        return await this.#store.use(`The object "${name}" cannot be read`, async (bucket) => {
          const info = await bucket.info(name);
          return info === undefined ? NOTHING : { args: [JSON.stringify(info)], body: bucket.read(info) };
        });
      }
      case ObjectStoreMethod.put: {
        return await this.#store.use(`The object "${name}" cannot be stored`, async (bucket) => {
          const info = await bucket.put(name, description.slice(0, 1024), call.body);
          return { args: [JSON.stringify(info)] };
        });
      }
      case ObjectStoreMethod.delete: {
        return await this.#store.use(`The object "${name}" cannot be deleted`, async (bucket) =>
          (await bucket.delete(name)) ? { args: ["1"] } : NOTHING,
        );
      }
      case ObjectStoreMethod.info: {
        return await this.#store.use(`The object "${name}" cannot be looked up`, async (bucket) => {
          const info = await bucket.info(name);
          return info === undefined ? NOTHING : { args: [JSON.stringify(info)] };
        });
      }
      default:
        throw new NexError("unknown_method", `The object store has no method ${call.method}.`);
    }
  }
}

async function openStore(scope: ServiceScope): Promise<ObjectBucket> {
  const { workload, config } = scope;
  const name = bucketName(config.object_store.bucket, workload);
  const connection = await scope.storage({ kv: bucketName(config.kv.bucket, workload), objectStore: name });
  const bucket = await openBucket(connection, {
    what: "object store",
    name,
    stream: `OBJ_${name}`,
    subjects: [`$O.${name}.C.>`, `$O.${name}.M.>`],
    config: config.object_store,
    workload,
    // All chunks of an object have one subject.
    settings: { max_msgs_per_subject: -1 },
  });
  return new ObjectBucket(bucket);
}

async function* lines(infos: AsyncIterable<StoredInfo>): AsyncGenerator<Buffer, void, undefined> {
  for await (const info of infos) yield Buffer.from(`${JSON.stringify(info)}\n`);
}

function checkName(name: string): void {
  const size = Buffer.byteLength(name);
  if (size >= 1 && size <= MAX_NAME_BYTES && name.isWellFormed()) return;
  throw new NexError(
    "invalid_key",
    `An object's name has 1 to ${MAX_NAME_BYTES} bytes of UTF-8; this one has ${size}.`,
  );
}
