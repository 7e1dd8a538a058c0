import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { namespacePath, TAP_DEVICE } from "../../../src/firecracker/network-namespace.ts";
import { runTool } from "../../../src/firecracker/system-tool.ts";
import { GUEST_NETWORK } from "../../../src/vm/guest-network.ts";

const { address, node, prefixLength } = GUEST_NETWORK;

/** A network where a guest would be: at the other end of a machine's device, by a cable in place of Firecracker. */
export class GuestNetwork implements AsyncDisposable {
  readonly #name: string;

  private constructor(name: string) {
    this.#name = name;
  }

  /** Takes the machine's tap device away and puts one end of a cable under its name. */
  static async attach(machine: string): Promise<GuestNetwork> {
    const guest = new GuestNetwork(`${machine}g`);
    await runTool("ip", ["netns", "add", guest.#name]);
    try {
      await runTool("ip", ["-n", machine, "link", "delete", TAP_DEVICE]);
      await runTool("ip", [
        "-n",
        machine,
        "link",
        "add",
        TAP_DEVICE,
        "type",
        "veth",
        "peer",
        "name",
        "eth0",
        "netns",
        guest.#name,
      ]);
      await runTool("ip", ["-n", machine, "address", "add", `${node}/${prefixLength}`, "dev", TAP_DEVICE]);
      await runTool("ip", ["-n", machine, "link", "set", TAP_DEVICE, "up"]);
      await runTool("ip", ["-n", guest.#name, "address", "add", `${address}/${prefixLength}`, "dev", "eth0"]);
      await runTool("ip", ["-n", guest.#name, "link", "set", "eth0", "up"]);
      await runTool("ip", ["-n", guest.#name, "route", "add", "default", "via", node]);
      return guest;
    } catch (error) {
      await guest[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Runs a script of Node's there and gives what it prints. */
  async run(script: string): Promise<string> {
    return await inNamespace(this.#name, script);
  }

  /** Whether a connection to `host` and `port` comes about within a second. */
  async reaches(host: string, port: number): Promise<boolean> {
    const answer = await this.run(`
      const socket = require("node:net").connect({ host: "${host}", port: ${port} });
      const done = (text) => { process.stdout.write(text); process.exit(); };
      socket.on("connect", () => done("yes")).on("error", () => done("no"));
      setTimeout(() => done("no"), 1000);
    `);
    return answer === "yes";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await runTool("ip", ["netns", "delete", this.#name]);
  }
}

async function inNamespace(name: string, script: string): Promise<string> {
  const child = spawn("nsenter", [`--net=${namespacePath(name)}`, "--", process.execPath, "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return await text(child.stdout);
}
