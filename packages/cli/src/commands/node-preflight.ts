import { preflight, type PreflightReport } from "@nex/node";
import { type Command, defineCommand } from "../command.ts";
import { ExitCode } from "../exit-codes.ts";
import { readNodeConfig } from "../node-config-file.ts";
import { text } from "../option.ts";
import { fetchedNatsServer, sandboxPrograms } from "../programs.ts";
import type { Printer } from "../terminal/printer.ts";

type Check = PreflightReport["checks"][number];

/** `nex node preflight` */
export const command: Command = defineCommand({
  details:
    "Looks for everything a node could use on this machine and says how to get what is missing. Nothing is installed or changed. Exit code 0 if a sandbox works here.",
  options: { config: text("--config <file>", "JSON file with the node's configuration (docs/node.md)") },
  examples: [
    ["node preflight", "see which sandboxes work here"],
    ["node preflight --json", "for a script"],
  ],
  async run(ctx, { config }) {
    const { print, terminal } = ctx;
    const options = config === undefined ? {} : await readNodeConfig(ctx, config);
    const report = await print.progress(
      "Looking at this machine",
      async () => await preflight(options, sandboxPrograms(terminal.env), fetchedNatsServer(terminal.env)),
    );
    if (print.isJson) print.json(report);
    else show(print, report);
    return report.sandbox === undefined ? ExitCode.failure : ExitCode.ok;
  },
});

function show(print: Printer, { sandbox, sandboxes, checks }: PreflightReport): void {
  showChecks(print, "node", true, checks);
  for (const { name, usable, checks: own } of sandboxes) showChecks(print, name, usable, own);
  print.text(sandbox === undefined ? "No sandbox works on this machine." : `auto takes: ${sandbox}`);
}

function showChecks(print: Printer, title: string, usable: boolean, checks: readonly Check[]): void {
  print.raw(`${print.styled("bold", title)}${usable ? "" : `  ${print.styled("yellow", "not usable")}`}`);
  for (const { name, ok, detail, remedy } of checks) {
    const mark = ok ? print.styled("green", "ok     ") : print.styled("yellow", "missing");
    print.raw(`  ${mark}  ${print.styled("bold", name)}: ${print.styled("reset", detail)}`);
    if (remedy !== undefined) print.raw(`           ${print.styled("dim", `→ ${remedy}`)}`);
  }
}
