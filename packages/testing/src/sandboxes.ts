import { firecrackerSchema, type SandboxConfig, type SandboxDriver } from "@nex/sandboxes";
import { createBubblewrapDriver, createProcessDriver } from "@nex/sandboxes/testing";
import { bubblewrapProgram } from "./programs.ts";

export const MEBIBYTE: number = 2 ** 20;

/** What a node's config says by default, with less of everything. */
export function sandboxConfig(options: Partial<SandboxConfig> = {}): SandboxConfig {
  return {
    limits: { memoryBytes: 256 * MEBIBYTE, processes: 64 },
    diskBytes: 64 * MEBIBYTE,
    shareNetwork: false,
    imageDirectory: "/nowhere",
    cacheDirectory: "/nowhere",
    qemu: { saved_state: false },
    onWarning: () => undefined,
    firecracker: firecrackerSchema.parse(undefined),
    bubblewrap: bubblewrapProgram(),
    ...options,
  };
}

/** Makes a driver; each of the suites for all sandboxes is run with each of these. */
export type MakeDriver = (options?: Partial<SandboxConfig>) => SandboxDriver;

export const makeProcessDriver: MakeDriver = () => createProcessDriver();

export const makeBubblewrapDriver: MakeDriver = (options) => createBubblewrapDriver(sandboxConfig(options));

const reason = await makeBubblewrapDriver().unavailable();
if (process.platform === "linux" && reason?.includes("apt-get") === true) throw new Error(`bubblewrap: ${reason}`);

/** Why bubblewrap cannot be tested on this machine, as in a container without the right to mount. */
export const noBubblewrap: string | false = reason === undefined ? false : `no bubblewrap here: ${reason}`;
