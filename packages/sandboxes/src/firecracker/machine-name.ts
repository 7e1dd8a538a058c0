import { processIdentity } from "@nex/system";

/** A machine's name begins with who made it, so that what a dead node has left behind can be told from the living's. */
const NAME = /^nex-(\d+)-([0-9a-z]+)-[0-9a-v]+$/;

/** Name of a machine in network namespaces, cgroups and jails: at most 64 letters, digits and hyphens, as the jailer has it. */
export function machineName(id: string): string {
  const started = startOf(process.pid) ?? "0";
  return `nex-${process.pid}-${started}-${id}`;
}

/** True if `name` is of a machine whose node no longer runs. */
export function isLeftover(name: string): boolean {
  const [, pid, started] = NAME.exec(name) ?? [];
  return pid !== undefined && startOf(Number(pid)) !== started;
}

/** Ticks since boot, in a short form. */
function startOf(pid: number): string | undefined {
  const ticks = processIdentity(pid)?.started.split(":").at(-1);
  return ticks === undefined ? undefined : Number(ticks).toString(36);
}
