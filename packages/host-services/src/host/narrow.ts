import { formatSize, HOST_SERVICES, type HostServiceLimits, type HostServiceName, NexError } from "@nex/protocol";
import { isAllowEntry, literalOf } from "../http/address-rules.ts";
import { HttpReach } from "../http/reach.ts";
import type { BucketConfig, HostServicesConfig, HttpConfig } from "./config.ts";

/**
 * The host services of a workload whose deploy asks for less than its node gives.
 * @throws NexError `service_disabled`, `unsupported_limit`, `http_denied` where it asks for more, `invalid_request`
 */
export function narrowHostServices(config: HostServicesConfig, limits: HostServiceLimits): HostServicesConfig {
  const { disabled = [], kv_max_bytes, object_store_max_bytes, http_allow } = limits;
  const isOn = (name: HostServiceName): boolean => config[name].enabled && !disabled.includes(name);
  for (const [name, option, value] of [
    ["kv", "--kv-size", kv_max_bytes],
    ["object_store", "--object-store-size", object_store_max_bytes],
    ["http", "--allow-http", http_allow],
  ] as const) {
    if (value !== undefined && !isOn(name)) throw isOff(name, option);
  }
  const enabled = Object.fromEntries(HOST_SERVICES.map((name) => [name, isOn(name)])) as Record<
    HostServiceName,
    boolean
  >;
  return {
    ...config,
    kv: narrowBucket("kv", "--kv-size", { ...config.kv, enabled: enabled.kv }, kv_max_bytes),
    object_store: narrowBucket(
      "object_store",
      "--object-store-size",
      { ...config.object_store, enabled: enabled.object_store },
      object_store_max_bytes,
    ),
    messaging: { ...config.messaging, enabled: enabled.messaging },
    http: narrowHttp({ ...config.http, enabled: enabled.http }, http_allow),
  };
}

function narrowBucket(
  name: HostServiceName,
  option: string,
  config: BucketConfig,
  asked: number | undefined,
): BucketConfig {
  if (asked === undefined) return config;
  if (asked <= config.max_bytes) return { ...config, max_bytes: asked };
  const key = `host_services.${name}.max_bytes`;
  throw new NexError(
    "unsupported_limit",
    `This node gives a bucket at most ${formatSize(config.max_bytes)}, and ${option} asks for ${formatSize(asked)}. Ask for less, or let the operator raise ${key}.`,
    { data: { limit: key, asked, most: config.max_bytes } },
  );
}

/** What a name resolves to is known, and checked, only when it is used; an address can be checked at once. */
function narrowHttp(config: HttpConfig, entries: readonly string[] | undefined): HttpConfig {
  if (entries === undefined) return config;
  const narrowed = { ...config, only: entries };
  for (const entry of entries) {
    if (!isAllowEntry(entry)) {
      throw new NexError(
        "invalid_request",
        `"${entry.slice(0, 80)}" (--allow-http) is not a host, host:port, *.domain, address or block.`,
        { data: { field: "host_service_limits.http_allow" } },
      );
    }
    const { host, address, port } = literalOf(entry);
    if (address === undefined || new HttpReach(narrowed).allows(host, address, port)) continue;
    throw new NexError(
      "http_denied",
      `${entry} (--allow-http) is not public, and this node's config does not open it. Its operator can: host_services.http.allow_named opens it to workloads that name it, host_services.http.allow to all.`,
      { data: { entry } },
    );
  }
  return narrowed;
}

function isOff(name: HostServiceName, option: string): NexError {
  return new NexError(
    "service_disabled",
    `${option} is about the host service "${name}", which is switched off for this workload: by the node's config, or by --without.`,
    { data: { service: name } },
  );
}
