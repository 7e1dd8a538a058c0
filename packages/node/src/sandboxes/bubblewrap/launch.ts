import { type ChildProcess, spawn } from "node:child_process";
import { chmod, chown, mkdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type { SandboxPrograms } from "../sandbox.ts";
import { AgentDescriptor, PROGRAMS_BY_DESCRIPTOR } from "../agent-command.ts";
import { withoutInherited } from "../inherited-files.ts";
import { openFiles } from "../open-files.ts";
import { Descriptor, sandboxCommand, type CommandParts } from "./command.ts";
import { Place } from "./places.ts";
import { makePrivateEtc } from "./private-etc.ts";
import { systemCallFilter } from "./seccomp/filter.ts";
import { type Shown, viewFor } from "./view.ts";

export interface LaunchOptions extends Pick<CommandParts, "uid" | "cgroupEntrances" | "shareNetwork" | "diskBytes"> {
  /** What runs inside, with the programs by their names in there. */
  readonly command: (programs: SandboxPrograms) => readonly string[];
  /** The `bwrap` program. */
  readonly bubblewrap: string;
  readonly programs: SandboxPrograms;
  /** The node's own directory for this sandbox. */
  readonly directory: string;
  /** Of the link's socket. */
  readonly link: string;
  /** What the agent reads from its third descriptor. */
  readonly metadata: string;
}

export interface Launched {
  readonly child: ChildProcess;
  /** First process of the sandbox's own process namespace: with it ends all that is inside. `undefined` if none came up. */
  readonly init: Promise<number | undefined>;
}

const filter = systemCallFilter(process.arch);

/** Starts a sandbox with a command in it. */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const { bubblewrap, programs, directory, link, uid, metadata } = options;
  const directories = { room: join(directory, "room"), etc: join(directory, "etc"), link };
  await mkdir(directories.room, { mode: 0o700 });
  if (uid !== undefined) await chown(directories.room, uid, uid);
  const hosts = makePrivateEtc(directories.etc, options.shareNetwork);
  await chmod(directory, 0o711);
  const handed = uid === undefined ? await byPath(programs) : PROGRAMS_BY_DESCRIPTOR_ONLY;
  const view = [...(await viewFor(programs.node)), ...handed.view];
  const command = sandboxCommand({
    ...options,
    bubblewrap: await realpath(bubblewrap),
    command: options.command(handed.programs),
    directories,
    hosts,
    view,
    hasFilter: filter !== undefined,
  });
  const paths = [programs.runner, programs.agent, programs.node, bubblewrap];
  await using files = await openFiles(uid === undefined ? paths.map(() => "/dev/null") : paths);
  const child = spawn(command[0]!, command.slice(1), {
    cwd: "/",
    env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
    detached: true,
    stdio: withoutInherited(["ignore", "pipe", "pipe", "pipe", ...files.descriptors, "pipe", "pipe"]),
  });
  send(child, AgentDescriptor.metadata, metadata);
  send(child, Descriptor.filter, filter ?? "");
  return { child, init: readInit(pipeOf(child, Descriptor.information)) };
}

/** How a sandbox gets its programs. */
interface Handed {
  readonly programs: SandboxPrograms;
  readonly view: readonly Shown[];
}

/** A user who may not be able to get to them gets them open. */
const PROGRAMS_BY_DESCRIPTOR_ONLY: Handed = { programs: PROGRAMS_BY_DESCRIPTOR, view: [] };

/**
 * Where the sandbox is the node's own user outside, they may be that user's files, and whoever has such a file open
 * can open it once more, to write: read-only is only what is mounted so.
 */
async function byPath({ node, agent, runner }: SandboxPrograms): Promise<Handed> {
  const programs = {
    node: `${Place.programs}/node`,
    agent: `${Place.programs}/agent`,
    runner: `${Place.programs}/runner`,
  };
  const view = await Promise.all(
    Object.entries({ node, agent, runner }).map(async ([name, path]) => ({
      from: await realpath(path),
      at: `${Place.programs}/${name}`,
    })),
  );
  return { programs, view };
}

/** What `spawn` has made for a descriptor that was to be a pipe. Its type knows of the first five only. */
function pipeOf(child: ChildProcess, descriptor: number): Duplex {
  return (child.stdio as readonly unknown[])[descriptor] as Duplex;
}

function send(child: ChildProcess, descriptor: number, content: string | Buffer): void {
  const pipe = pipeOf(child, descriptor);
  // Whoever did not start does not read.
  pipe.on("error", () => undefined);
  pipe.end(content);
}

/** Bubblewrap tells it as JSON, before it lets the sandbox go on. */
async function readInit(information: Readable): Promise<number | undefined> {
  try {
    const { "child-pid": pid } = JSON.parse(await text(information)) as { readonly "child-pid"?: unknown };
    return typeof pid === "number" ? pid : undefined;
  } catch {
    return undefined;
  }
}
