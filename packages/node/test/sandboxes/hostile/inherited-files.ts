import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, closeSync, readdirSync, readlinkSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { processes, temporaryDirectory } from "@nex/testing";
import { buildAttacker } from "../../support/attacker.ts";

const NODE_PROCESS = join(import.meta.dirname, "../../support/inheriting-node-process.ts");

/** Below and above those that Node itself shuts at its start, and far from all others. */
const LEAKED_AT = [9, 30, 31, 32, 300];

/** Starts a node with files, a directory and a socket open in it, and looks for them in every process. */
export function inheritedFilesTest(sandbox: "process" | "bubblewrap" | "qemu", skipped: string | false): void {
  const skip = skipped !== false ? skipped : process.getuid?.() !== 0 && "only root sees all files";
  void test(`what the node was started with open is in no sandbox: ${sandbox}`, { skip }, async () => {
    await using directory = await temporaryDirectory();
    await chmod(directory.path, 0o711);
    await using leaks = await openLeaks(directory.path);
    const attacker = join(directory.path, "attacker");
    await writeFile(attacker, await buildAttacker());
    const stdio: (number | "ignore" | "pipe" | "inherit")[] = ["ignore", "pipe", "inherit"];
    LEAKED_AT.forEach((at, index) => {
      while (stdio.length < at) stdio.push("ignore");
      stdio[at] = leaks.descriptors[index % leaks.descriptors.length]!;
    });
    const child = spawn(process.execPath, ["--conditions=@nex/source", NODE_PROCESS, sandbox, attacker], {
      stdio,
      env: { ...process.env, TMPDIR: directory.path, NODE_TEST_CONTEXT: undefined },
    });
    try {
      const [line] = (await once(createInterface(child.stdout!), "line")) as [string];
      const { service, nats } = JSON.parse(line) as { readonly service: string; readonly nats: number };
      const holders = processes().filter(({ pid }) => openFilesOf(pid).some((file) => leaks.targets.includes(file)));
      assert.deepEqual(
        holders.map(({ pid }) => pid).filter((pid) => pid !== process.pid && pid !== nats),
        [child.pid],
      );
      assert.equal(service, "held");
    } finally {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
  });
}

interface Leaks extends AsyncDisposable {
  readonly descriptors: readonly number[];
  /** What they are in /proc. */
  readonly targets: readonly string[];
}

async function openLeaks(parent: string): Promise<Leaks> {
  const place = join(parent, "host");
  await mkdir(place);
  const secret = join(place, "secret");
  await writeFile(secret, "the machine's own", { mode: 0o600 });
  const server = createServer();
  server.listen(join(place, "socket"));
  await once(server, "listening");
  const opened = [openSync(secret, "r"), openSync(place, "r")];
  const descriptors = [...opened, descriptorOf(server)];
  return {
    descriptors,
    targets: descriptors.map((descriptor) => readlinkSync(`/proc/self/fd/${descriptor}`)),
    async [Symbol.asyncDispose]() {
      for (const descriptor of opened) closeSync(descriptor);
      server.close();
      await once(server, "close");
    },
  };
}

function descriptorOf(server: Server): number {
  return (server as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;
}

function openFilesOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((descriptor) => linkOf(`/proc/${pid}/fd/${descriptor}`));
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
