import { stat } from "node:fs/promises";
import { borrowUserId, killAllOf, returnUserId } from "../process/user-ids.ts";
import type { Accelerator } from "./platform.ts";

const KVM = "/dev/kvm";

/** Whom one QEMU runs as: where the node is root a user of its own, which nobody else on this machine is. */
export interface MachineUser extends AsyncDisposable {
  readonly uid: number | undefined;
  readonly groups: readonly number[];
}

/** @throws NexError `sandbox_failed` where all user ids are taken */
export async function borrowMachineUser(accelerator: Accelerator): Promise<MachineUser> {
  if (process.getuid?.() !== 0) return { uid: undefined, groups: [], [Symbol.asyncDispose]: async () => undefined };
  const groups = accelerator === "kvm" ? await groupsOfKvm() : [];
  const uid = await borrowUserId();
  return {
    uid,
    groups,
    [Symbol.asyncDispose]: async () => {
      await killAllOf(uid);
      returnUserId(uid);
    },
  };
}

/** The group that may use KVM. Never root's: then its user cannot, and the trial says so. */
async function groupsOfKvm(): Promise<number[]> {
  const device = await stat(KVM).catch(() => undefined);
  return device === undefined || device.gid === 0 || (device.mode & 0o060) !== 0o060 ? [] : [device.gid];
}
