import { chmod, constants, copyFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import type { SandboxName } from "@nex/node";
import { agentPrograms, bubblewrapProgram, REPOSITORY, temporaryDirectory } from "@nex/testing";
import { ControlClient, type FunctionOrder } from "./control-client.ts";
import type { NodeCommands, NodeProcessOptions } from "./node-process.ts";
import { whenSandboxesRest } from "./processes/sandboxes-rest.ts";
import { RemoteProcess } from "./processes/remote-process.ts";

const NEXUS = "bench";

export interface SystemOptions extends SystemNeeds {
  readonly url: string;
}

/** What a suite may choose. */
export interface SystemNeeds {
  /** Agents started ahead of deploys. */
  readonly poolSize: number;
  /** Default: process. */
  readonly sandbox?: SandboxName;
  /**
   * Run node, agents and runners by a copy of the Node program, so that they share its memory with one another but
   * with no other program of the machine. Default false.
   */
  readonly ownNodeProgram?: boolean;
  /** The node runs again what it ran before it was killed. Default false. */
  readonly keepsState?: boolean;
  /** The node is one of several that keep their state and act as one. Default: it is alone. */
  readonly fleet?: { readonly nexus: string; readonly key: string };
}

/** A Nex node in a process of its own, and a client that deploys to it over NATS. */
export class System implements AsyncDisposable {
  #remote: RemoteProcess<NodeCommands>;
  readonly #client: ControlClient;
  readonly #poolSize: number;
  readonly #stack: AsyncDisposableStack;
  #deployed = 0;

  readonly #launch: () => Promise<RemoteProcess<NodeCommands>>;

  private constructor(
    remote: RemoteProcess<NodeCommands>,
    launch: () => Promise<RemoteProcess<NodeCommands>>,
    client: ControlClient,
    poolSize: number,
    stack: AsyncDisposableStack,
  ) {
    this.#remote = remote;
    this.#launch = launch;
    this.#client = client;
    this.#poolSize = poolSize;
    this.#stack = stack;
  }

  /** Resolves when the pool is full. */
  static async start({
    url,
    poolSize,
    sandbox = "process",
    ownNodeProgram = false,
    fleet,
    keepsState = fleet !== undefined,
  }: SystemOptions): Promise<System> {
    await using stack = new AsyncDisposableStack();
    const directory = stack.use(await temporaryDirectory("nex-bench-"));
    // The users that sandboxes run as must get through to their own directories.
    await chmod(directory.path, 0o711);
    const node = ownNodeProgram ? await copyOfNode(directory.path) : process.execPath;
    const options: NodeProcessOptions = {
      nats: { connect: { servers: url } },
      programs: { node, ...agentPrograms(), bubblewrap: bubblewrapProgram() },
      nexusKey: fleet?.key,
      config: {
        nexus: fleet?.nexus ?? NEXUS,
        sandbox,
        pool: { size: poolSize },
        runtime_directory: join(directory.path, "run"),
        cache_directory: join(directory.path, "cache"),
        ...(keepsState ? { state_directory: join(directory.path, "state") } : {}),
        image_directory: join(REPOSITORY, ".tools", "machine-image"),
      },
    };
    const program = await bundleNode(directory.path);
    const args = [JSON.stringify(options)];
    const launch = async (): Promise<RemoteProcess<NodeCommands>> =>
      await RemoteProcess.start<NodeCommands>(program, { args, node, nodeOptions: [] });
    const remote = await launch();
    const client = stack.use(
      await ControlClient.connect(url, await remote.run("id", undefined), fleet?.nexus ?? NEXUS),
    );
    const system = new System(remote, launch, client, poolSize, stack.move());
    await system.whenCalm();
    return system;
  }

  /** Of the node. Agents are its children, runners are theirs. */
  get pid(): number {
    return this.#remote.pid;
  }

  /** Kills the node and starts it again. Resolves when it answers the control API. */
  async crash(): Promise<void> {
    process.kill(this.pid, "SIGKILL");
    await this.#remote[Symbol.asyncDispose]();
    this.#remote = await this.#launch();
  }

  /** Of the node. */
  async id(): Promise<string> {
    return await this.#remote.run("id", undefined);
  }

  /** Kills the node, for good. */
  async kill(): Promise<void> {
    process.kill(this.pid, "SIGKILL");
    await this.#remote[Symbol.asyncDispose]();
  }

  /** Names of the workloads that the node says are running. */
  async running(): Promise<string[]> {
    return await this.#client.running();
  }

  /** From the upload on. Resolves when the node says that the function runs. */
  async deploy(order: FunctionOrder): Promise<void> {
    await this.#client.deploy(order);
    this.#deployed++;
  }

  /** Resolves when the node says that nothing of it is left. */
  async stop(name: string): Promise<void> {
    await this.#client.stop(name);
    this.#deployed--;
  }

  /** Resolves when the pool is full again and neither node nor sandboxes do anything. */
  async whenCalm(): Promise<void> {
    await whenSandboxesRest(this.pid, this.#deployed + this.#poolSize);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _ = this.#stack;
    await this.#remote[Symbol.asyncDispose]();
  }
}

async function copyOfNode(directory: string): Promise<string> {
  const copy = join(directory, "node");
  await copyFile(process.execPath, copy, constants.COPYFILE_FICLONE);
  return copy;
}

/** Run from its sources, the node would also hold the compiler that strips their types. */
async function bundleNode(directory: string): Promise<string> {
  const outfile = join(directory, "node.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "node-process.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node26",
    conditions: ["@nex/source"],
    logLevel: "warning",
    // CommonJS packages inside the bundle require Node's own modules.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  return outfile;
}
