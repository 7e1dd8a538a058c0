import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { findCgroups, PARENT_CGROUP } from "../../../src/firecracker/cgroup.ts";
import { machineName } from "../../../src/firecracker/machine-name.ts";
import { NAMESPACES } from "../../../src/firecracker/network-namespace.ts";

/** What there is of a machine on this computer. */
export function remainsOf(name: string, jails: string): string[] {
  const places = [
    join(NAMESPACES, name),
    join(jails, name),
    ...new Set(Object.values(findCgroups()?.controllers ?? {}).map((mount) => join(mount, PARENT_CGROUP, name))),
  ];
  return places.filter((place) => existsSync(place));
}

/** Of all machines that this process has started. */
export function allRemains(jails: string): string[] {
  const prefix = machineName("");
  const directories = [
    NAMESPACES,
    jails,
    ...Object.values(findCgroups()?.controllers ?? {}).map((mount) => join(mount, PARENT_CGROUP)),
  ];
  return [...new Set(directories)].flatMap((directory) =>
    existsSync(directory) ? readdirSync(directory).filter((name) => name.startsWith(prefix)) : [],
  );
}
