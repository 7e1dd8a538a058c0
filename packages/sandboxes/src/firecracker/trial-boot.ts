import { setTimeout as sleep } from "node:timers/promises";
import { toNexError } from "@nex/protocol";
import type { VmSpec } from "../vm/vm-spec.ts";
import { configureMachine, startMachine } from "./api/requests.ts";
import type { FirecrackerConfig } from "./config.ts";
import { bootFiles } from "./jail.ts";
import { Machine, type MachineHost } from "./machine.ts";

/** Where guests run on the processor itself, a kernel is through in a few tenths of a second, ms. */
const LIMIT_MS = 15_000;

/** The kernel's last words before it leaves the rest to the image. */
const BOOTED = /Run \/init as init process/;

/**
 * Boots the image's kernel once, as far as its first program: there are machines with everything in its place on
 * which it would stand still. @returns why guests cannot run here, or `undefined`
 */
export async function trialBoot(
  host: MachineHost,
  spec: VmSpec,
  config: FirecrackerConfig,
): Promise<string | undefined> {
  const booted = Promise.withResolvers<string | undefined>();
  try {
    const machine = await Machine.launch(host, {
      id: "trial",
      spec,
      cpus: undefined,
      files: bootFiles(spec.image),
      onConnection: (socket) => socket.destroy(),
      onOutput: (line) => {
        if (BOOTED.test(line)) booted.resolve(undefined);
      },
    });
    void machine.ended.then(() => booted.resolve("a trial machine ended before its kernel was through"));
    const waited = new AbortController();
    try {
      await machine.api.send(...configureMachine(loud(spec), config), startMachine);
      const late = `the kernel of a trial machine was not through within ${LIMIT_MS / 1000} s`;
      return await Promise.race([
        booted.promise,
        sleep(LIMIT_MS, late, { signal: waited.signal }).catch(() => undefined),
      ]);
    } finally {
      waited.abort();
      await machine.destroy(0);
    }
  } catch (error) {
    return `a trial machine could not be started: ${toNexError(error).message}`;
  }
}

/** With the kernel's messages on the console. */
function loud(spec: VmSpec): VmSpec {
  return { ...spec, bootArguments: [...spec.bootArguments.filter((word) => word !== "quiet"), "loglevel=7"] };
}
