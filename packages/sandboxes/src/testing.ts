/** For our own tests and benchmarks: single drivers, and what tells from outside which parts of this machine they use. */
export { createBubblewrapDriver } from "./bubblewrap/bubblewrap-driver.ts";
export { DENIED, UNKNOWN } from "./bubblewrap/seccomp/system-calls.ts";
export { findCgroups } from "./cgroups/cgroups.ts";
export { createFirecrackerDriver } from "./firecracker/firecracker-sandbox.ts";
export { machineName } from "./firecracker/machine-name.ts";
export { createProcessDriver } from "./process/process-sandbox.ts";
export { createQemuDriver, type QemuTuning } from "./qemu/qemu-driver.ts";
export { startProcess } from "./start-process.ts";
export { GUEST_NETWORK } from "./vm/guest-network.ts";
