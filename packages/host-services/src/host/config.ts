import { sizeSchema } from "@nex/protocol";
import { z } from "zod";
import { isAllowEntry } from "../http/address-rules.ts";

/** `host_services` in a node's config. Every key is optional; sizes may be written as `64MiB`. */
export interface HostServicesOptions {
  readonly kv?: BucketOptions;
  readonly object_store?: BucketOptions;
  readonly messaging?: {
    /** Default true. */
    readonly enabled?: boolean;
    /** For a request that names no time of its own, ms. Default 5000. */
    readonly request_timeout_ms?: number;
  };
  readonly http?: {
    /** Default true. */
    readonly enabled?: boolean;
    /** From the request to the last byte of the answer, redirects included, ms. Default 10 000. */
    readonly timeout_ms?: number;
    /** Largest body of an answer, after decompression. Default 64 MiB. */
    readonly max_response_bytes?: number | string;
    /** Default 10. */
    readonly max_redirects?: number;
    /**
     * What may be reached although it is not public: `host`, `host:port`, `*.domain`, an address, or a block such as
     * `10.1.0.0/16`. Default: nothing.
     */
    readonly allow?: readonly string[];
    /** The same for workloads whose own deploy names it (`--allow-http`). Default: nothing. */
    readonly allow_named?: readonly string[];
  };
  /** Calls one instance may have open at once. Default 128. */
  readonly max_calls?: number;
}

export interface BucketOptions {
  /** Default true. */
  readonly enabled?: boolean;
  /** Name of the bucket; `${namespace}` and `${workload_name}` stand for the workload's. */
  readonly bucket?: string;
  /** Default 512 KiB for key-value, 256 MiB for objects. */
  readonly max_bytes?: number | string;
}

export interface BucketConfig {
  readonly enabled: boolean;
  readonly bucket: string;
  readonly max_bytes: number;
}

export interface HttpConfig {
  readonly enabled: boolean;
  readonly timeout_ms: number;
  readonly max_response_bytes: number;
  readonly max_redirects: number;
  readonly allow: readonly string[];
  readonly allow_named: readonly string[];
  /** What this workload's deploy named: it reaches nothing else. Absent: it named nothing. */
  readonly only?: readonly string[];
}

/** `host_services`, complete. */
export interface HostServicesConfig {
  readonly kv: BucketConfig;
  readonly object_store: BucketConfig;
  readonly messaging: { readonly enabled: boolean; readonly request_timeout_ms: number };
  readonly http: HttpConfig;
  readonly max_calls: number;
}

/** What one runner of the module form has open at once; it waits for its own turn, not to be refused. */
const LEAST_CALLS = 64;

const enabled = z.boolean().default(true);

/** Placeholders and what a bucket's name may be made of. 0.2.7 reads placeholders in any case. */
const TEMPLATE = /^(?:[A-Za-z0-9_-]|\$\{(?:namespace|workload_name)\})+$/i;

const bucket = (template: string, maxBytes: number) =>
  z
    .strictObject({
      enabled,
      bucket: z
        .string()
        .regex(TEMPLATE, { error: "must be letters, digits, `_`, `-`, ${namespace} and ${workload_name}" })
        .default(template),
      max_bytes: sizeSchema.default(maxBytes),
    })
    .prefault({});

const allowList = z
  .array(z.string().refine(isAllowEntry, { error: "is not a host, host:port, *.domain, address or block" }))
  .default([]);

export const hostServicesSchema: z.ZodType<HostServicesConfig> = z
  .strictObject({
    // The names are those of 0.2.7, so that data of its functions is found again.
    kv: bucket("hs_${namespace}_${workload_name}_kv", 512 * 1024),
    object_store: bucket("hs_${namespace}_${workload_name}_obj", 256 * 2 ** 20),
    messaging: z.strictObject({ enabled, request_timeout_ms: z.int().positive().default(5000) }).prefault({}),
    http: z
      .strictObject({
        enabled,
        timeout_ms: z.int().positive().default(10_000),
        max_response_bytes: sizeSchema.default(64 * 2 ** 20),
        max_redirects: z.int().nonnegative().max(50).default(10),
        allow: allowList,
        allow_named: allowList,
      })
      .prefault({}),
    max_calls: z.int().min(LEAST_CALLS).max(4096).default(128),
  })
  .prefault({});

/** The name a template stands for. */
export function bucketName(template: string, { namespace, name }: { namespace: string; name: string }): string {
  return template.replaceAll(/\$\{namespace\}/gi, () => namespace).replaceAll(/\$\{workload_name\}/gi, () => name);
}
