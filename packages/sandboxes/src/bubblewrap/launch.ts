import type { ChildProcess } from "node:child_process";
import { chmod, chown, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type { SandboxPrograms } from "../sandbox.ts";
import { AgentDescriptor } from "../agent-command.ts";
import { withoutInherited } from "@nex/system";
import { openFiles } from "../open-files.ts";
import { startProcess } from "../start-process.ts";
import { sandboxCommand, type CommandParts } from "./command.ts";
import { Descriptor } from "./places.ts";
import { makePrivateEtc } from "./private-etc.ts";
import { byDescriptor, byPath } from "./programs.ts";
import { systemCallFilter } from "./seccomp/filter.ts";
import { viewFor } from "./view.ts";

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
  const handed = uid === undefined ? await byPath(programs, bubblewrap) : byDescriptor(programs, bubblewrap);
  const command = sandboxCommand({
    ...options,
    bubblewrap: handed.bubblewrap,
    command: options.command(handed.programs),
    directories,
    hosts,
    view: [...(await viewFor(programs.node)), ...handed.view],
    hasFilter: filter !== undefined,
  });
  await using files = await openFiles(handed.open);
  const child = await startProcess(command[0]!, command.slice(1), {
    cwd: "/",
    env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
    detached: true,
    stdio: withoutInherited(["ignore", "pipe", "pipe", "pipe", ...files.descriptors, "pipe", "pipe"]),
  });
  send(child, AgentDescriptor.metadata, metadata);
  send(child, Descriptor.filter, filter ?? "");
  return { child, init: readInit(pipeOf(child, Descriptor.information)) };
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
