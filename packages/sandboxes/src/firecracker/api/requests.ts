import { GUEST_NETWORK } from "../../vm/guest-network.ts";
import type { VmSpec } from "../../vm/vm-spec.ts";
import type { FirecrackerConfig } from "../config.ts";
import { JailPath } from "../jail.ts";
import { TAP_DEVICE } from "../network-namespace.ts";

/** One request to Firecracker's API. */
export interface ApiRequest {
  readonly method: "PUT" | "PATCH";
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What the agent's document is set to, by key; `null` takes the key out. */
export type MetadataDocument = Readonly<Record<string, unknown>>;

/**
 * The kernel's command line. Firecracker's own default forbids modules and the console, which the machine's image
 * needs; of it only what makes the look for a keyboard short is taken over. The keyboard is for Ctrl-Alt-Del.
 */
const BOOT_ARGUMENTS = ["i8042.noaux", "i8042.nomux", "i8042.dumbkbd"];

/** Warnings and errors of Firecracker's own come out beside the guest's console. */
export const setLogger: ApiRequest = {
  method: "PUT",
  path: "/logger",
  body: { level: "Warning", show_level: true, show_log_origin: false },
};

/** All of a machine that has to be said before it starts, in the order Firecracker asks for. */
export function configureMachine(spec: VmSpec, config: FirecrackerConfig): ApiRequest[] {
  const { interface: iface, mac, metadata } = GUEST_NETWORK;
  const diskRate = rateLimiter(config.disk_rate);
  const networkRate = rateLimiter(config.network_rate);
  return [
    setLogger,
    put("/machine-config", {
      vcpu_count: spec.vcpus,
      mem_size_mib: spec.memoryMib,
      smt: false,
      track_dirty_pages: false,
      ...(config.cpu_template === undefined ? {} : { cpu_template: config.cpu_template }),
    }),
    put("/boot-source", {
      kernel_image_path: JailPath.kernel,
      initrd_path: JailPath.initramfs,
      boot_args: [...spec.bootArguments, ...BOOT_ARGUMENTS].join(" "),
    }),
    put("/drives/rootfs", {
      drive_id: "rootfs",
      path_on_host: JailPath.rootfs,
      is_root_device: true,
      is_read_only: true,
      cache_type: "Unsafe",
      rate_limiter: diskRate,
    }),
    put(`/network-interfaces/${iface}`, {
      iface_id: iface,
      guest_mac: mac,
      host_dev_name: TAP_DEVICE,
      rx_rate_limiter: networkRate,
      tx_rate_limiter: networkRate,
    }),
    put("/mmds/config", { version: "V2", network_interfaces: [iface], ipv4_address: metadata }),
    put("/entropy", { rate_limiter: rateLimiter({ bytes_per_second: 64 * 1024, operations_per_second: 1000 }) }),
  ];
}

export const startMachine: ApiRequest = put("/actions", { action_type: "InstanceStart" });

/** On x86 the guest's init takes it for a wish to reboot, and a reboot ends the machine. */
export const sendCtrlAltDel: ApiRequest = put("/actions", { action_type: "SendCtrlAltDel" });

export const pauseMachine: ApiRequest = { method: "PATCH", path: "/vm", body: { state: "Paused" } };
export const resumeMachine: ApiRequest = { method: "PATCH", path: "/vm", body: { state: "Resumed" } };

export const createSnapshot: ApiRequest = put("/snapshot/create", {
  snapshot_type: "Full",
  snapshot_path: JailPath.state,
  mem_file_path: JailPath.memory,
});

/** Devices keep their names: each machine has a network namespace and a root directory of its own. */
export const loadSnapshot: ApiRequest = put("/snapshot/load", {
  snapshot_path: JailPath.state,
  mem_backend: { backend_type: "File", backend_path: JailPath.memory },
  resume_vm: false,
});

/** Counters are written to this file, a line each time {@link flushMetrics} is sent. */
export const setMetrics: ApiRequest = put("/metrics", { metrics_path: JailPath.metrics });
export const flushMetrics: ApiRequest = put("/actions", { action_type: "FlushMetrics" });

/** The guest finds `document` at `/nex`. */
export function setMetadata(document: MetadataDocument): ApiRequest {
  return put("/mmds", { nex: document });
}

export function changeMetadata(document: MetadataDocument): ApiRequest {
  return { method: "PATCH", path: "/mmds", body: { nex: document } };
}

function put(path: string, body: ApiRequest["body"]): ApiRequest {
  return { method: "PUT", path, body };
}

interface TokenBucket {
  readonly size: number;
  /** In which an empty bucket fills, ms. */
  readonly refill_time: number;
}

function rateLimiter(rate: FirecrackerConfig["disk_rate"]): {
  readonly bandwidth: TokenBucket;
  readonly ops: TokenBucket;
} {
  return { bandwidth: bucket(rate.bytes_per_second), ops: bucket(rate.operations_per_second) };
}

/** Full buckets are small, so that a burst is what may pass in a tenth of a second; slow rates would be rounded away by that. */
function bucket(perSecond: number): TokenBucket {
  return perSecond < 1000
    ? { size: perSecond, refill_time: 1000 }
    : { size: Math.round(perSecond / 10), refill_time: 100 };
}
