import { accessSync, appendFileSync, constants, readFileSync, writeFileSync } from "node:fs";
import { faultOfRequest } from "./api-description.ts";

type Body = Record<string, never> & {
  readonly action_type?: string;
  readonly state?: string;
  readonly [key: string]: unknown;
};

/** Paths that Firecracker takes only before the machine runs, by its description. */
const PRE_BOOT = /^\/(?:machine-config|boot-source|drives\/|network-interfaces\/|mmds\/config|entropy|snapshot\/load)/;

/** Paths that may come before `PUT /snapshot/load`. */
const BEFORE_LOAD = new Set(["/logger", "/metrics"]);

interface StandInEvents {
  /** For a snapshot. */
  readonly hasRoom: boolean;
  readonly onStart: (bootArgs: string) => void;
  readonly onCtrlAltDel: () => void;
}

/**
 * The other end of the wire: takes requests exactly as the API's description has them, in the order it asks for.
 * Paths are relative to the current directory, which stands for the jail's root.
 */
export class StandInApi {
  readonly #events: StandInEvents;
  readonly #seen: string[] = [];
  #state: "Not started" | "Running" | "Paused" = "Not started";
  #boot: Body | undefined;
  #interfaces: string[] = [];
  #files: string[] = [];
  #hasMetadata = false;
  #metrics: string | undefined;
  #flushes = 0;

  constructor(events: StandInEvents) {
    this.#events = events;
  }

  /** @returns what is wrong, or `undefined` if the request was taken */
  take(method: string, path: string, body: unknown): string | undefined {
    const fault =
      faultOfRequest(method, path, body) ?? this.#faultOfOrder(method, path) ?? this.#apply(method, path, body as Body);
    if (fault === undefined) this.#seen.push(path);
    return fault;
  }

  #faultOfOrder(method: string, path: string): string | undefined {
    if (PRE_BOOT.test(path) && this.#state !== "Not started")
      return "The requested operation is not supported after starting the microVM.";
    if (path === "/snapshot/load" && this.#seen.some((before) => !BEFORE_LOAD.has(before)))
      return "Loading a microVM snapshot not allowed after configuring boot-specific resources.";
    if ((path === "/vm" || path === "/snapshot/create") && this.#state === "Not started")
      return "The requested operation is not supported before starting the microVM.";
    if (path === "/snapshot/create" && this.#state !== "Paused") return "Cannot save a microVM that is not paused.";
    if (path === "/mmds" && method === "PATCH" && !this.#hasMetadata) return "The MMDS data store is not initialized.";
    return undefined;
  }

  #apply(method: string, path: string, body: Body): string | undefined {
    const [, kind, id] = path.split("/");
    switch (kind) {
      case "boot-source":
        this.#boot = body;
        return this.#needs(body["kernel_image_path"], body["initrd_path"]);
      case "drives":
        if (body["drive_id"] !== id) return "The id from the path does not match the id from the body!";
        return this.#needs(body["path_on_host"]);
      case "network-interfaces":
        if (body["iface_id"] !== id) return "The id from the path does not match the id from the body!";
        this.#interfaces.push(String(id));
        return readFileSync("/proc/self/net/dev", "utf8").includes(`${String(body["host_dev_name"])}:`)
          ? undefined
          : `Open tap device failed: ${String(body["host_dev_name"])}`;
      case "mmds":
        if (id === "config") {
          const names = body["network_interfaces"] as unknown as string[];
          return names.every((name) => this.#interfaces.includes(name)) ? undefined : "Invalid network interface IDs.";
        }
        this.#hasMetadata ||= method === "PUT";
        return undefined;
      case "metrics":
        this.#metrics = String(body["metrics_path"]);
        return readable(this.#metrics);
      case "snapshot":
        if (id !== "create") return this.#load(body);
        if (!this.#events.hasRoom) return "Cannot create snapshot: No space left on device (os error 28)";
        return save(body);
      case "vm":
        this.#state = body.state === "Paused" ? "Paused" : "Running";
        return undefined;
      case "actions":
        return this.#act(body.action_type ?? "");
      default:
        return undefined;
    }
  }

  #act(action: string): string | undefined {
    if (action === "InstanceStart") {
      if (this.#state !== "Not started") return "The microVM is already running.";
      if (this.#boot === undefined) return "Cannot start microvm without kernel configuration.";
      const fault = this.#files.map(readable).find((one) => one !== undefined);
      if (fault !== undefined) return fault;
      this.#state = "Running";
      this.#events.onStart(String(this.#boot["boot_args"]));
      return undefined;
    }
    if (this.#state === "Not started") return "The requested operation is not supported before starting the microVM.";
    if (action === "SendCtrlAltDel") this.#events.onCtrlAltDel();
    else if (this.#metrics === undefined) return "Metrics are not configured.";
    // The guest needs a while before it asks for its metadata.
    else
      appendFileSync(
        `.${this.#metrics}`,
        `${JSON.stringify({ mmds: { connections_created: ++this.#flushes < 3 ? 0 : 1 } })}\n`,
      );
    return undefined;
  }

  #load(body: Body): string | undefined {
    const memory = (body["mem_backend"] as unknown as { readonly backend_path: string }).backend_path;
    const fault = readable(String(body["snapshot_path"])) ?? readable(memory) ?? readable("/rootfs.ext4");
    if (fault === undefined) this.#state = "Paused";
    return fault;
  }

  #needs(...paths: readonly unknown[]): undefined {
    this.#files.push(...paths.map(String));
  }
}

function save(body: Body): undefined {
  writeFileSync(`.${String(body["snapshot_path"])}`, "state");
  writeFileSync(`.${String(body["mem_file_path"])}`, "memory");
}

/** By the user this runs as, which is the jail's. */
function readable(path: string): string | undefined {
  try {
    accessSync(`.${path}`, constants.R_OK);
    return undefined;
  } catch {
    return `No such file or directory, or permission denied: ${path}`;
  }
}
