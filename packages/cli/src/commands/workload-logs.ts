import type { LogRecord } from "@nex/protocol";
import { type Command, type CommandContext, defineCommand } from "../command.ts";
import { flag, integer, optional } from "../option.ts";
import { withClient } from "../session.ts";
import type { Style } from "../terminal/terminal.ts";

/** `nex workload logs`, `nex logs` */
export const command: Command = defineCommand({
  details: "Prints the newest records that the nodes keep and, with --follow, all that come after.",
  arguments: { name: optional("name", "name of the workload (default: all of the namespace)") },
  options: {
    follow: flag("-f, --follow", "go on until stopped"),
    limit: integer("--limit <n>", "recent records at most (default 200)", { fallback: 200, min: 0, max: 10_000 }),
  },
  async run(ctx, { name, follow, limit }) {
    const workload = name === undefined ? {} : { workload: name };
    await withClient(ctx, { endless: follow }, async (nex) => {
      // Subscribed before the recent ones are asked for, so that nothing falls between.
      const coming = follow ? nex.logs.follow({ ...workload, signal: ctx.signal }) : undefined;
      const recent = limit === 0 ? [] : await nex.logs.recent({ ...workload, limit });
      const shown = new Set(recent.map(keyOf));
      for (const record of recent) print(ctx, record);
      if (coming === undefined) {
        // A workload that is gone may have left some; one that never was is told from one that is silent.
        if (recent.length === 0 && name !== undefined) await nex.workloads.get(name);
        if (recent.length === 0) ctx.print.note("There are no log records.");
        return;
      }
      for await (const record of coming) if (!shown.delete(keyOf(record))) print(ctx, record);
    });
  },
});

function keyOf({ id, time, stream, text }: LogRecord): string {
  return `${id} ${time} ${stream} ${text}`;
}

const STYLES: Readonly<Record<LogRecord["level"], Style | undefined>> = {
  debug: "dim",
  info: undefined,
  warn: "yellow",
  error: "red",
};

function print({ print: printer }: CommandContext, { namespace: _, ...record }: LogRecord): void {
  if (printer.isJson) return printer.line(record);
  const style = STYLES[record.level];
  const level = record.level.toUpperCase().padEnd(5);
  const head = `${printer.styled("dim", record.time.slice(11, 23))} ${style === undefined ? level : printer.styled(style, level)} ${printer.styled("cyan", record.workload)}`;
  for (const line of record.text.split("\n")) printer.raw(`${head} ${printer.styled(style ?? "reset", line)}`);
}
