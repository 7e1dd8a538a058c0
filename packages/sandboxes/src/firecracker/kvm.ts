import { constants } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { type Check, missing, passed } from "../check.ts";

const REMEDY =
  "Use a machine with hardware virtualisation (in a cloud: a bare-metal instance, or one with nested virtualisation), and load the module kvm_intel or kvm_amd.";

/** Whether guests can run on the processor itself, as far as looking tells. */
export async function checkKvm(): Promise<Check> {
  try {
    await access("/dev/kvm", constants.R_OK | constants.W_OK);
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code !== "ENOENT";
    return missing("kvm", isThere ? "/dev/kvm may not be opened" : "there is no /dev/kvm", REMEDY);
  }
  // Some hypervisors offer a /dev/kvm of their own kind in which a stock kernel stands still for ever.
  if (process.arch === "x64" && !/^flags\s*:.*\b(?:vmx|svm)\b/m.test(await readFile("/proc/cpuinfo", "latin1"))) {
    return missing("kvm", "/dev/kvm is there, but the processor shows no hardware virtualisation (vmx or svm)", REMEDY);
  }
  return passed("kvm", "/dev/kvm can be opened, and the processor has what it needs");
}
