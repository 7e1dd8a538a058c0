import { execFileSync } from "node:child_process";

/** Why no network namespace can be made here, or `false`. */
export const noCable = process.getuid?.() === 0 ? false : "only root can make a network namespace";

/** A network namespace that is joined to this machine by one cable. */
export class Cable implements Disposable {
  /** Of this machine, on the cable. */
  readonly address: string;
  readonly #name: string;

  constructor() {
    // Of tests that run side by side, each has a network of its own.
    const number = process.pid % 65_536;
    this.#name = `nextest${process.pid}`.slice(0, 13);
    const network = `10.${200 + (number >> 14)}.${(number >> 6) & 255}`;
    const host = (number & 63) * 4 + 1;
    this.address = `${network}.${host}`;
    ip("netns", "add", this.#name);
    ip("link", "add", `${this.#name}a`, "type", "veth", "peer", "name", "eth0", "netns", this.#name);
    ip("address", "add", `${this.address}/30`, "dev", `${this.#name}a`);
    ip("link", "set", `${this.#name}a`, "up");
    ip("-n", this.#name, "address", "add", `${network}.${host + 1}/30`, "dev", "eth0");
    ip("-n", this.#name, "link", "set", "eth0", "up");
    ip("-n", this.#name, "link", "set", "lo", "up");
  }

  /** Starts a program in the namespace. */
  get through(): readonly string[] {
    return ["ip", "netns", "exec", this.#name];
  }

  cut(): void {
    ip("link", "set", `${this.#name}a`, "down");
  }

  mend(): void {
    ip("link", "set", `${this.#name}a`, "up");
  }

  [Symbol.dispose](): void {
    ip("netns", "delete", this.#name);
  }
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}
