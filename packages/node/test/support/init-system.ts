import { join } from "node:path";
import type { Sandbox, SandboxDriver, SandboxOrder } from "@nex/sandboxes";
import { createProcessDriver } from "@nex/sandboxes/testing";

/**
 * The process sandbox with what a machine's init system adds: an agent that has died is followed by another one,
 * with a token of its own, at once and whether the node has noticed the death or not.
 */
export function withInitSystem(driver: SandboxDriver = createProcessDriver()): SandboxDriver {
  return { ...driver, start: async (order) => await new Supervised(driver, order).start() };
}

class Supervised {
  readonly #driver: SandboxDriver;
  readonly #order: SandboxOrder;
  readonly #agents: Sandbox[] = [];
  #isOver = false;
  #starting: Promise<void> = Promise.resolve();

  constructor(driver: SandboxDriver, order: SandboxOrder) {
    this.#driver = driver;
    this.#order = order;
  }

  async start(): Promise<Sandbox> {
    const end = Promise.withResolvers<Awaited<Sandbox["ended"]>>();
    await this.#startAgent();
    return {
      ended: end.promise,
      narrow: async () => undefined,
      revive: async () => undefined,
      destroy: async (graceMs) => {
        this.#isOver = true;
        await this.#starting;
        // The first one's directory holds those of the others.
        for (const agent of this.#agents.toReversed()) await agent.destroy(graceMs);
        end.resolve({ exitCode: 0, signal: null });
      },
    };
  }

  async #startAgent(): Promise<void> {
    const count = this.#agents.length;
    const directory = count === 0 ? this.#order.directory : join(this.#order.directory, String(count));
    const agent = await this.#driver.start({ ...this.#order, directory });
    this.#agents.push(agent);
    void agent.ended.then(() => {
      if (!this.#isOver) this.#starting = this.#startAgent();
    });
  }
}

/** Starts a second agent beside the first one, with a token that is as good. */
export function withTwins(driver: SandboxDriver = createProcessDriver()): SandboxDriver {
  const start = async (order: SandboxOrder): Promise<Sandbox> => {
    const first = await driver.start(order);
    const second = await driver.start({ ...order, directory: join(order.directory, "twin") });
    return {
      ...first,
      // Whichever of the two was refused.
      ended: Promise.all([first.ended, second.ended]).then(([end]) => end),
      narrow: async () => undefined,
      destroy: async (graceMs) => {
        await second.destroy(graceMs);
        await first.destroy(graceMs);
      },
    };
  };
  return { ...driver, start };
}
