import type { NexEvent } from "@nex/protocol";
import { type Command, type CommandContext, defineCommand } from "../command.ts";
import { flag } from "../option.ts";
import { withClient } from "../session.ts";

/** `nex events` */
export const command: Command = defineCommand({
  details:
    "Prints the events that the nodes keep, of the namespace and of the nodes themselves, and then new ones as they happen, until stopped.",
  options: { recent: flag("--recent", "print the kept events only, then end") },
  async run(ctx, { recent: onlyRecent }) {
    await withClient(ctx, { endless: !onlyRecent }, async (nex) => {
      const coming = onlyRecent ? undefined : nex.events.follow({ signal: ctx.signal });
      const recent = await nex.events.recent();
      const shown = new Set(recent.map(({ id }) => id));
      for (const event of recent) print(ctx, event);
      if (coming === undefined) return;
      for await (const event of coming) if (!shown.delete(event.id)) print(ctx, event);
    });
  },
});

function print({ print: printer }: CommandContext, event: NexEvent): void {
  if (printer.isJson) return printer.line(event);
  const facts = Object.entries((event.data ?? {}) as Record<string, unknown>).map(
    ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  printer.raw(
    `${printer.styled("dim", (event.time ?? "").slice(11, 23))} ${printer.styled("cyan", event.namespace ?? "")} ${printer.styled("bold", event.type)} ${printer.styled("reset", facts.join(" "))}`,
  );
}
