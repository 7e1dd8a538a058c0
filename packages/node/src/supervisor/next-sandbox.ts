import { isNexError, type NexError, type NexErrorCode } from "@nex/protocol";
import type { AgentSession } from "./agent-session.ts";
import type { SandboxPool } from "./pool.ts";

/** A deploy that finds warm sandboxes dying takes so many of them, one after the other. */
const MAX_SANDBOXES = 3;

/** What a sandbox that is just going answers, or is found to be. */
const LOSSES: readonly NexErrorCode[] = ["link_closed", "already_deployed", "sandbox_failed"];

export interface NextSandbox {
  readonly pool: SandboxPool;
  readonly signal: AbortSignal;
  /** Uses the sandbox. @throws NexError */
  readonly use: (session: AgentSession) => Promise<void>;
  /** That one was lost before it had the workload, which thus is not to blame. It has been destroyed. */
  readonly onLost: (error: NexError) => void;
}

/** Uses a sandbox of the pool, and the next one if it turns out that the first was dying. @throws what `use` throws */
export async function useNextSandbox({ pool, signal, use, onLost }: NextSandbox): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const session = await pool.take(signal);
    try {
      await use(session);
      return;
    } catch (error) {
      if (attempt === MAX_SANDBOXES || signal.aborted || session.hasGivenArtifact || !isLoss(error)) throw error;
      onLost(error);
      await session.destroy(0);
    }
  }
}

function isLoss(error: unknown): error is NexError {
  return isNexError(error) && LOSSES.includes(error.code);
}
