import { join } from "node:path";
import { startNatsServer } from "@nex/testing";
import type { LoadCommands } from "./processes/load-process.ts";
import { RemoteProcess } from "./processes/remote-process.ts";
import { System, type SystemNeeds } from "./system.ts";

/** What suites measure with: a NATS server, the bare echo and the load, each in a process of its own. */
export interface Environment extends AsyncDisposable {
  readonly load: RemoteProcess<LoadCommands>;
  readonly echo: { readonly subject: string; readonly pid: number };
  /** Of the nats-server. */
  readonly serverVersion: string;
  readonly serverPid: number;
  /** Where clients connect. */
  readonly url: string;
  /** A node for one suite. It ends with the environment at the latest. */
  startSystem(needs: SystemNeeds): Promise<System>;
}

const ECHO_SUBJECT = "bench.echo";
const PROGRAMS = join(import.meta.dirname, "processes");

export async function startEnvironment(): Promise<Environment> {
  await using stack = new AsyncDisposableStack();
  const { url, pid: serverPid } = stack.use(await startNatsServer({ jetstream: true }));
  const echoProgram = join(PROGRAMS, "echo-process.ts");
  const echo = stack.use(await RemoteProcess.start(echoProgram, { args: [url, ECHO_SUBJECT] }));
  const load = stack.use(await RemoteProcess.start<LoadCommands>(join(PROGRAMS, "load-process.ts"), { args: [url] }));
  const serverVersion = await load.run("serverVersion", undefined);
  const owned = stack.move();
  return {
    load,
    echo: { subject: ECHO_SUBJECT, pid: echo.pid },
    serverVersion,
    serverPid,
    url,
    startSystem: async (needs) => owned.use(await System.start({ url, ...needs })),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
