import { type JetStreamManager, jetstreamManager, type StreamConfig } from "@nats-io/jetstream";
import { DiscardPolicy, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { isNexError, NexError } from "@nex/protocol";
import type { BucketConfig } from "./config.ts";
import { bucketMissing, checkConnected, fromNatsError, isStreamNotFound, isTimeout } from "./nats-errors.ts";
import type { WorkloadId } from "./service.ts";

/** A stream that is there and belongs to the workload. */
export interface OpenBucket {
  readonly name: string;
  readonly stream: string;
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  /** Reads go to any replica, and their subject stands in the request. */
  readonly isDirect: boolean;
}

export interface BucketOrder {
  readonly what: "key-value bucket" | "object store";
  readonly name: string;
  readonly stream: string;
  readonly subjects: readonly string[];
  readonly config: BucketConfig;
  readonly workload: WorkloadId;
  /** Stream settings of this kind of bucket, beyond the common ones. */
  readonly settings: Partial<StreamConfig>;
}

/** For one answer of JetStream's API while a bucket is opened, ms. */
const OPEN_MS = 3000;

/** Opens a workload's bucket, and makes it if it is not there. @throws NexError */
export async function openBucket(connection: NatsConnection, order: BucketOrder): Promise<OpenBucket> {
  checkConnected(connection);
  const { name, stream } = order;
  const what = `The ${order.what} "${name}" cannot be opened`;
  try {
    // The account's own figures are not this namespace's business, and may be denied to it.
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: OPEN_MS });
    const config = await findOrMake(manager, order);
    checkOwner(order, config);
    return { name, stream, connection, manager, isDirect: config.allow_direct };
  } catch (error) {
    const mapped = fromNatsError(error, what);
    // Where JetStream is off, nobody answers, or (in an account that imports its API) nothing comes back at all.
    if (mapped.code !== "bucket_missing" && mapped.code !== "timeout") throw mapped;
    throw new NexError(
      "jetstream_unavailable",
      `${what}: JetStream does not answer. Is it on, on the NATS server and for this account?`,
      { cause: error },
    );
  }
}

async function findOrMake(manager: JetStreamManager, order: BucketOrder): Promise<StreamConfig> {
  try {
    return (await manager.streams.info(order.stream)).config;
  } catch (error) {
    if (!isStreamNotFound(error)) throw error;
  }
  try {
    return (await manager.streams.add(streamConfig(order))).config;
  } catch (error) {
    // Another node, or another workload whose bucket has this name, was quicker.
    const found = await manager.streams.info(order.stream).catch(() => undefined);
    if (found === undefined) throw error;
    return found.config;
  }
}

function streamConfig(order: BucketOrder): Partial<StreamConfig> & { name: string } {
  return {
    name: order.stream,
    subjects: [...order.subjects],
    description: ownerMark(order),
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    num_replicas: 1,
    max_bytes: order.config.max_bytes,
    max_msgs_per_subject: 1,
    allow_direct: true,
    allow_rollup_hdrs: true,
    deny_delete: false,
    ...order.settings,
  };
}

/**
 * Two workloads may arrive at one bucket name: `a_b` in `x` and `b` in `x_a`. So a bucket says whose it is, as far as
 * its template names an owner at all; a bucket without a mark, as 0.2.7 made them, is taken over only where its name
 * can be read in one way.
 */
function checkOwner(order: BucketOrder, { description }: StreamConfig): void {
  const { namespace, name } = order.workload;
  const mark = ownerMark(order);
  if (description === mark) return;
  const isUnmarked = !(description ?? "").startsWith(MARK);
  const isUnambiguous = !namespace.includes("_") && !name.includes("_");
  if (isUnmarked && (isUnambiguous || !order.config.bucket.includes("${"))) return;
  throw new NexError(
    "bucket_taken",
    `The ${order.what} "${order.name}" belongs to another workload than "${name}" in namespace "${namespace}". Rename one of the two, or change the bucket template.`,
    { data: { bucket: order.name } },
  );
}

const MARK = "Nex host services of ";

function ownerMark({ config: { bucket }, workload: { namespace, name } }: BucketOrder): string {
  const lower = bucket.toLowerCase();
  const whose = lower.includes("${workload_name}")
    ? lower.includes("${namespace}")
      ? `${namespace}/${name}`
      : `*/${name}`
    : lower.includes("${namespace}")
      ? `${namespace}/*`
      : "*/*";
  return `${MARK}${whose}`;
}

/** What a read that nobody answers does not tell. */
export async function bucketExists({ manager, stream }: OpenBucket): Promise<boolean> {
  try {
    await manager.streams.info(stream);
    return true;
  } catch (error) {
    if (isStreamNotFound(error)) return false;
    throw error;
  }
}

/** Something that works on a bucket. */
interface OnBucket {
  readonly bucket: OpenBucket;
}

/** A bucket that is opened on first use and kept; looked up again only after it was found missing. */
export class KeptBucket<T extends OnBucket> {
  readonly #open: () => Promise<T>;
  #opened: T | undefined;
  #opening: Promise<T> | undefined;

  constructor(open: () => Promise<T>) {
    this.#open = open;
  }

  /** Runs `work` on the bucket. A failure that means the bucket is gone has it opened anew next time. */
  async use<R>(what: string, work: (bucket: T) => Promise<R>): Promise<R> {
    const opened = this.#opened ?? (await this.#get());
    try {
      checkConnected(opened.bucket.connection);
      return await work(opened);
    } catch (error) {
      throw await this.#failure(opened, what, error);
    }
  }

  /** The same for what comes piece by piece. */
  async *each<R>(what: string, work: (bucket: T) => AsyncIterable<R>): AsyncGenerator<R, void, undefined> {
    const opened = this.#opened ?? (await this.#get());
    try {
      checkConnected(opened.bucket.connection);
      yield* work(opened);
    } catch (error) {
      throw await this.#failure(opened, what, error);
    }
  }

  async #failure(opened: T, what: string, error: unknown): Promise<NexError> {
    let failure = isNexError(error) ? error : fromNatsError(error, what);
    // Of a stream that is gone there may be no answer at all.
    if (!isNexError(error) && isTimeout(error) && !(await bucketExists(opened.bucket).catch(() => true))) {
      failure = bucketMissing(what, error);
    }
    if (failure.code === "bucket_missing" && this.#opened === opened) this.#opened = undefined;
    return failure;
  }

  async #get(): Promise<T> {
    this.#opening ??= this.#open()
      .then((bucket) => (this.#opened = bucket))
      .finally(() => (this.#opening = undefined));
    return await this.#opening;
  }
}
