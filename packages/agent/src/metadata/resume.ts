import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { AgentResume } from "@nex/link";
import { NexError } from "@nex/protocol";

export interface ResumePipes {
  /** Takes a line `<unix ms> <hex entropy>`. */
  readonly orders: string;
  /** Answers `ok`, or why not. */
  readonly answers: string;
}

/** Made by the image; a service with the rights for it reads there. */
const PIPES: ResumePipes = { orders: "/run/nex/resume", answers: "/run/nex/resumed" };

/** The service may just be starting, on a machine that is slow. */
const WITHIN_MS = 10_000;
const LOOK_AGAIN_MS = 5;
const LONGEST_ANSWER = 512;

/**
 * Has clock and random generator of the machine set anew. Until then both are the same in every machine resumed from
 * the same state, so that nothing else may be begun. Does nothing in a machine without these pipes.
 * @throws NexError `sandbox_failed`
 */
export async function applyResume({ unix_ms, entropy }: AgentResume, pipes: ResumePipes = PIPES): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  // Never a blocking open: one that never returns would keep the process from ending.
  const answers = open(pipes.answers, constants.O_RDONLY);
  if (answers === undefined) return;
  try {
    let orders: number | undefined;
    // Nobody reads there while the service starts, or answers somebody else.
    while ((orders = open(pipes.orders, constants.O_WRONLY)) === undefined) await again(deadline);
    writeSync(orders, `${unix_ms} ${entropy}\n`);
    closeSync(orders);
    let answer = "";
    while (!answer.endsWith("\n")) {
      const said = read(answers);
      answer += said;
      if (said === "") await again(deadline);
      if (answer.length > LONGEST_ANSWER) break;
    }
    if (answer === "ok\n") return;
    throw new NexError("sandbox_failed", `The resumed machine could not be given a new clock: ${answer.trim()}`);
  } finally {
    closeSync(answers);
  }
}

async function again(deadline: number): Promise<void> {
  if (performance.now() > deadline) {
    throw new NexError(
      "sandbox_failed",
      `The resumed machine was not given a new clock within ${WITHIN_MS / 1000} s: nobody answers at ${PIPES.orders}.`,
    );
  }
  await delay(LOOK_AGAIN_MS);
}

function open(path: string, flags: number): number | undefined {
  try {
    return openSync(path, flags | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENXIO" || code === "ENOENT") return undefined;
    throw error;
  }
}

/** What there is to read now. */
function read(descriptor: number): string {
  const buffer = Buffer.alloc(LONGEST_ANSWER);
  try {
    return buffer.toString("latin1", 0, readSync(descriptor, buffer));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return "";
    throw error;
  }
}
