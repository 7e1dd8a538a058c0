import { readFileSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import { temporaryDirectory } from "@nex/testing";
import { MEBIBYTE, sandboxConfig } from "@nex/testing/sandboxes";
import { type FirecrackerOptions, firecrackerSchema } from "../../../src/firecracker/config.ts";
import { createFirecrackerDriver } from "../../../src/firecracker/firecracker-sandbox.ts";
import type { SandboxConfig, SandboxDriver, SandboxOrder } from "../../../src/sandbox.ts";

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly fault?: string;
}

export interface StandInOptions extends FirecrackerOptions {
  readonly mode?: "plain" | "deaf" | "broken" | "stuck" | "full";
  readonly cpus?: number;
}

/** A place with programs that stand for Firecracker's, and something that stands for an image. */
export class StandIn implements AsyncDisposable {
  readonly config: SandboxConfig;
  readonly driver: SandboxDriver;
  readonly directory: string;
  readonly #resources: AsyncDisposableStack;

  private constructor(directory: string, config: SandboxConfig, resources: AsyncDisposableStack) {
    this.directory = directory;
    this.config = config;
    this.driver = createFirecrackerDriver(config);
    this.#resources = resources;
  }

  static async make({ mode = "plain", cpus, ...firecracker }: StandInOptions = {}): Promise<StandIn> {
    await using resources = new AsyncDisposableStack();
    // Short: a jail's socket is in it.
    const { path } = resources.use(await temporaryDirectory("fc-"));
    const program = join(import.meta.dirname, "stand-in-jailer-process.ts");
    const jailer = `#!/bin/sh\nexec ${process.execPath} ${program} ${join(path, "requests")} ${mode} "$@"\n`;
    await writeScript(join(path, "jailer"), jailer);
    await writeScript(join(path, "firecracker"), "#!/bin/sh\necho Firecracker v1.12.0\n");
    await makeImage(join(path, "image"));
    const config = sandboxConfig({
      limits: { memoryBytes: 64 * MEBIBYTE, processes: 128, ...(cpus === undefined ? {} : { cpus }) },
      imageDirectory: join(path, "image"),
      firecracker: firecrackerSchema.parse({
        binary: join(path, "firecracker"),
        jailer: join(path, "jailer"),
        chroot_base: join(path, "j"),
        ...firecracker,
      }),
    });
    return new StandIn(path, config, resources.move());
  }

  /** Requests that came in since the beginning, in their order. */
  requests(): SeenRequest[] {
    return readFileSync(join(this.directory, "requests"), "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as SeenRequest);
  }

  get jails(): string {
    return join(this.directory, "j", "firecracker");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** An order as a node gives it, with a record of what comes back. */
export class TestOrder implements SandboxOrder {
  readonly agentId: string;
  readonly directory = "/nonexistent";
  readonly programs = { node: process.execPath, agent: "/nonexistent", runner: "/nonexistent" };
  readonly lines: string[] = [];
  readonly connections: Socket[] = [];
  #tokens = 0;

  constructor(agentId: string) {
    this.agentId = agentId;
  }

  readonly issueToken = (): string => `token-${++this.#tokens}`;
  readonly onConnection = (socket: Socket): void => void this.connections.push(socket);
  readonly onOutput = (line: string): void => void this.lines.push(line);
}

async function writeScript(path: string, content: string): Promise<void> {
  await writeFile(path, content);
  await chmod(path, 0o755);
}

async function makeImage(directory: string): Promise<void> {
  await mkdir(directory);
  const artifacts: Record<string, unknown> = {};
  for (const name of ["rootfs.ext4", "initramfs.cpio.gz", "vmlinux"]) {
    await writeFile(join(directory, name), name);
    artifacts[name] = { sha256: name, size: name.length };
  }
  await writeFile(join(directory, "manifest.json"), JSON.stringify({ format: 1, architecture: "amd64", artifacts }));
}
