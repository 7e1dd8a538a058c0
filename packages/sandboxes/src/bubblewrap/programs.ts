import { realpath } from "node:fs/promises";
import { descriptorPath, PROGRAMS_BY_DESCRIPTOR } from "../agent-command.ts";
import type { SandboxPrograms } from "../sandbox.ts";
import { Descriptor, Place } from "./places.ts";
import type { Shown } from "./view.ts";

/** How a sandbox gets the programs it is started with. */
export interface HandedPrograms {
  /** Their names inside. */
  readonly programs: SandboxPrograms;
  /** Name of bubblewrap, for itself too. */
  readonly bubblewrap: string;
  /** What is shown of them. */
  readonly view: readonly Shown[];
  /** What is open for them, in the order of their descriptors. */
  readonly open: readonly string[];
}

/** For a user of its own, who may not be able to get to them: open. */
export function byDescriptor({ node, agent, runner }: SandboxPrograms, bubblewrap: string): HandedPrograms {
  return {
    programs: PROGRAMS_BY_DESCRIPTOR,
    bubblewrap: descriptorPath(Descriptor.bubblewrap),
    view: [],
    open: [runner, agent, node, bubblewrap],
  };
}

/**
 * Where the sandbox is the node's own user outside, they may be that user's files, and whoever has such a file open
 * can open it once more, to write: read-only is only what is mounted so.
 */
export async function byPath(programs: SandboxPrograms, bubblewrap: string): Promise<HandedPrograms> {
  const at = { node: `${Place.programs}/node`, agent: `${Place.programs}/agent`, runner: `${Place.programs}/runner` };
  const show = async (name: keyof typeof at): Promise<Shown> => ({
    from: await realpath(programs[name]),
    at: at[name],
  });
  return {
    programs: at,
    bubblewrap: await realpath(bubblewrap),
    view: await Promise.all([show("node"), show("agent"), show("runner")]),
    open: Array<string>(4).fill("/dev/null"),
  };
}
