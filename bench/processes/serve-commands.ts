/** What a process does on behalf of the bench, by name. Inputs and results travel as structured clones. */
export type Commands = Readonly<Record<string, (input: never) => unknown>>;

/** For closing what the process holds, ms. Without the bench there may be no NATS server to say goodbye to. */
const END_DEADLINE_MS = 10_000;

export interface CommandRequest {
  readonly id: number;
  readonly name: string;
  readonly input: unknown;
}

export type CommandMessage =
  | { readonly ready: true }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };

/** Obeys the bench until it lets go of this process or ends itself, however that happens. */
export function serveCommands(commands: Commands, close: () => Promise<void>): void {
  const send = (message: CommandMessage): void => void process.send?.(message);
  process.on("message", (message) => {
    void answer(commands, message as CommandRequest).then(send);
  });
  process.once("disconnect", () => {
    void close().finally(() => process.exit(0));
    setTimeout(() => process.exit(1), END_DEADLINE_MS).unref();
  });
  // A terminal's Ctrl-C reaches every process at once; the bench decides in which order they end.
  process.on("SIGINT", () => {});
  send({ ready: true });
}

async function answer(commands: Commands, { id, name, input }: CommandRequest): Promise<CommandMessage> {
  try {
    return { id, result: await commands[name]!(input as never) };
  } catch (error) {
    return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
