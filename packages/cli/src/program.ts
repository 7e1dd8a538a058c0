import { Command as Parser, type CommanderError, Option } from "commander";
import type { Command, CommandContext } from "./command.ts";
import type { CommandEntry } from "./command-entry.ts";
import { COMMANDS, NOUNS } from "./command-table.ts";
import { resolveConnection } from "./connection/resolve-connection.ts";
import { exitCodeOf, ExitCode } from "./exit-codes.ts";
import { GLOBAL_OPTIONS, type GlobalOptions, readGlobalOptions } from "./global-options.ts";
import { configureHelp, examplesText } from "./help.ts";
import { longName, type OptionSpec } from "./option.ts";
import { reportError } from "./report-error.ts";
import { stopExitCode } from "./stop-signal.ts";
import { Printer } from "./terminal/printer.ts";
import type { Terminal } from "./terminal/terminal.ts";
import { usageError } from "./usage-error.ts";
import { ownVersion } from "./version.ts";

/** Where the program runs. */
export interface ProgramHost {
  readonly terminal: Terminal;
  readonly cwd: string;
  /** Aborted when the command is to end. */
  readonly signal: AbortSignal;
}

/** Runs one command line, without the leading `nex`. Never throws: @returns the exit code */
export async function runProgram(argv: readonly string[], host: ProgramHost): Promise<number> {
  try {
    return (await parseAndRun(argv, host)) ?? stopExitCode(host.signal) ?? ExitCode.ok;
  } catch (error) {
    const stopped = stopExitCode(host.signal);
    if (stopped !== undefined) return stopped;
    reportError(host.terminal, error, asksForJson(argv));
    return exitCodeOf(error);
  }
}

/** Ends the parser's work: it has printed help or the version, or found the command line wrong. */
class ParserStop extends Error {
  readonly parser: Parser;
  readonly reason: CommanderError;

  constructor(parser: Parser, reason: CommanderError) {
    super(reason.message);
    this.parser = parser;
    this.reason = reason;
  }
}

async function parseAndRun(argv: readonly string[], host: ProgramHost): Promise<number | undefined> {
  let exitCode: number | undefined;
  const program = buildParser(host, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(withHelpFlag(argv), { from: "user" });
  } catch (error) {
    if (!(error instanceof ParserStop)) throw error;
    if (error.reason.exitCode === 0) return ExitCode.ok;
    throw usageError(error.reason, error.parser);
  }
  return exitCode;
}

/** `nex` alone and `nex help node ls` are ways to ask for `--help`. */
function withHelpFlag(argv: readonly string[]): readonly string[] {
  if (argv.length === 0) return ["--help"];
  return argv[0] === "help" ? [...argv.slice(1), "--help"] : argv;
}

/** Seen before the command line is parsed, because its errors are told in JSON too. */
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return argv.slice(0, end === -1 ? argv.length : end).some((word) => word === "--json" || word === "-j");
}

function buildParser(host: ProgramHost, done: (exitCode: number | undefined) => void): Parser {
  const program = new Parser("nex");
  configureHelp(program, host.terminal);
  prepare(program);
  program
    .description("Nex: deploy services and functions into NATS")
    .version(ownVersion(), "-V, --version", "print the version");
  addOptions(program, GLOBAL_OPTIONS);
  // Short forms first: they are what people type.
  for (const entry of COMMANDS) {
    if (entry.path.length === 1) addCommand(program, entry, entry.path[0], entry.aliases ?? []);
    if (entry.short !== undefined) addCommand(program, entry, entry.short, []);
  }
  for (const [noun, summary] of Object.entries(NOUNS)) {
    const parent = prepare(program.command(noun)).description(summary).helpGroup("Commands by noun:");
    for (const entry of COMMANDS) {
      const [first, verb] = entry.path;
      if (first === noun && verb !== undefined) addCommand(parent, entry, verb, entry.aliases ?? []);
    }
  }
  return program;

  function addCommand(parent: Parser, entry: CommandEntry, name: string, aliases: readonly string[]): void {
    const parser = prepare(parent.command(name)).description(entry.summary).aliases(aliases);
    parent.hook("preSubcommand", async (_, chosen) => {
      if (chosen !== parser) return;
      const command = await entry.load();
      describe(parser, entry, command);
      parser.action(async () => done((await runCommand(command, parser, program, host)) ?? undefined));
    });
  }
}

/** Settings that commander does not hand down to subcommands that are made lazily. */
function prepare(parser: Parser): Parser {
  return parser
    .helpCommand(false)
    .helpOption("-h, --help", "print this help")
    .exitOverride((reason) => {
      throw new ParserStop(parser, reason);
    });
}

function describe(parser: Parser, entry: CommandEntry, command: Command): void {
  parser.description(
    command.details === undefined ? `${sentence(entry.summary)}.` : `${sentence(entry.summary)}.\n\n${command.details}`,
  );
  for (const { name, summary, required } of Object.values(command.arguments)) {
    parser.argument(required ? `<${name}>` : `[${name}]`, summary);
  }
  addOptions(parser, command.options);
  if (command.examples.length > 0) parser.addHelpText("after", () => examplesText(command.examples));
}

function addOptions(parser: Parser, options: Readonly<Record<string, OptionSpec<unknown>>>): void {
  for (const { flags, summary, choices } of Object.values(options)) {
    const option = new Option(flags, choices === undefined ? summary : `${summary} (${choices.join(", ")})`);
    // Every value is kept as it was typed; the spec reads it, so that all errors have one form.
    if (option.required) option.argParser<readonly string[]>((given, before) => [...(before ?? []), given]);
    parser.addOption(option);
  }
}

async function runCommand(
  command: Command,
  parser: Parser,
  program: Parser,
  host: ProgramHost,
): Promise<number | void> {
  const { terminal, cwd, signal } = host;
  const typed = (from: Parser, { flags, variable }: OptionSpec<unknown>): readonly string[] => {
    const option = from.options.find(({ long }) => long === longName(flags))!;
    const found: unknown = from.getOptionValue(option.attributeName());
    if (found !== undefined) return Array.isArray(found) ? found : [""];
    const inherited = variable === undefined ? undefined : terminal.env[variable];
    return inherited === undefined || inherited === "" ? [] : [inherited];
  };
  const global: GlobalOptions = readGlobalOptions((_, spec) => typed(program, spec));
  const args: Record<string, unknown> = {};
  for (const [index, [name, spec]] of Object.entries(command.arguments).entries()) {
    args[name] = spec.read(parser.args[index]);
  }
  for (const [name, spec] of Object.entries(command.options)) args[name] = spec.read(typed(parser, spec));
  const context: CommandContext = {
    terminal,
    print: new Printer(terminal, global.json),
    global,
    signal,
    cwd,
    connection: () => resolveConnection(global.connection, terminal.env, global.timeoutMs),
  };
  return await command.run(context, args);
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
