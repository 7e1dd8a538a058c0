import { mkdirSync } from "node:fs";
import { readFile, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { NexError } from "@nex/protocol";
import type { SandboxLimits } from "../sandbox.ts";
import { readOomKills, writeLimits } from "./controllers.ts";
import type { Controller } from "./hierarchies.ts";

/** A directory in one tree of control groups. */
export interface GroupPlace {
  readonly version: 1 | 2;
  readonly directory: string;
  readonly controllers: readonly Controller[];
}

/** A group with processes is not removed, and the kernel takes a moment to see the last one off. */
const REMOVE_ROUNDS = 60;

/** One sandbox's processes, as the kernel counts and limits them: one directory in each tree. */
export class Cgroup {
  readonly #places: readonly GroupPlace[];
  #lastOomKills = 0;

  constructor(places: readonly GroupPlace[]) {
    this.#places = places;
  }

  /** A process that writes 0 into each of these is in the group, with all it starts from then on. */
  get entrances(): string[] {
    return this.#places.map(({ directory }) => join(directory, "cgroup.procs"));
  }

  make(): void {
    for (const { directory } of this.#places) mkdirSync(directory);
  }

  /** @throws NexError `sandbox_failed`, as when more memory is in use than the new limit allows */
  limit(limits: SandboxLimits): void {
    try {
      for (const { version, directory, controllers } of this.#places) {
        for (const controller of controllers) writeLimits(version, controller, directory, limits);
      }
    } catch (cause) {
      const why = (cause as NodeJS.ErrnoException).code === "EBUSY" ? "more is in use already" : String(cause);
      throw new NexError("sandbox_failed", `The sandbox's limits could not be set: ${why}.`, {
        cause,
        data: { ...limits },
      });
    }
  }

  /** Processes that the kernel has ended in here for want of memory. Quick: it reads one file of the kernel's. */
  oomKills(): number {
    const place = this.#places.find(({ controllers }) => controllers.includes("memory"));
    try {
      if (place !== undefined) this.#lastOomKills = readOomKills(place.version, place.directory);
    } catch {
      // The group is gone; what was counted last holds.
    }
    return this.#lastOomKills;
  }

  /** Ends every process in the group until none is left, and those that they start meanwhile. */
  async kill(): Promise<void> {
    for (let round = 0; round < REMOVE_ROUNDS; round++) {
      const pids = await this.#processes();
      if (pids.length === 0) return;
      for (const pid of pids) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // It ended between the look and the kill.
        }
      }
      await sleep(round);
    }
  }

  /** Takes the group away, once what was in it has ended. Never throws. */
  async remove(): Promise<void> {
    this.oomKills();
    for (const { directory } of this.#places) await removeGroup(directory);
  }

  async #processes(): Promise<number[]> {
    const lists = await Promise.all(this.entrances.map(async (file) => await readFile(file, "latin1").catch(() => "")));
    return [
      ...new Set(
        lists.flatMap((list) =>
          list
            .split("\n")
            .filter((line) => line !== "")
            .map(Number),
        ),
      ),
    ];
  }
}

async function removeGroup(directory: string): Promise<void> {
  for (let round = 0; round < REMOVE_ROUNDS; round++) {
    try {
      return await rmdir(directory);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      await sleep(round);
    }
  }
}
