import type { ConnectionConfig } from "./connection/connection-config.ts";
import type { GlobalOptions } from "./global-options.ts";
import type { ArgumentSpec, OptionSpec } from "./option.ts";
import type { Printer } from "./terminal/printer.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** What a command works with besides its own arguments. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly print: Printer;
  readonly global: GlobalOptions;
  /** Aborts when the user or the system wants the command to end. */
  readonly signal: AbortSignal;
  /** Where relative paths begin. */
  readonly cwd: string;
  /** Reads flags, variables and context files. @throws NexError `invalid_request`, `file_not_found`, `usage` */
  connection(): ConnectionConfig;
}

type Arguments = Readonly<Record<string, ArgumentSpec<unknown>>>;
type Options = Readonly<Record<string, OptionSpec<unknown>>>;
type Values<Specs> = {
  readonly [Key in keyof Specs]: Specs[Key] extends { readonly read: (given: never) => infer Value } ? Value : never;
};

/** Of a command without arguments or options. */
// oxlint-disable-next-line typescript/no-generated-empty-object-type -- no names at all, so that a misspelt one is an error
type NoSpecs = Readonly<Record<never, never>>;

interface CommandSpec<A extends Arguments, O extends Options> {
  /** Told after the summary in the command's help. */
  readonly details?: string;
  /** In the order in which they are typed. */
  readonly arguments?: A;
  readonly options?: O;
  /** Command lines without the leading `nex`, each with what it does. */
  readonly examples?: readonly (readonly [line: string, does: string])[];
  /**
   * Does the work. Data goes to `ctx.print`; failures are thrown as NexError and become the exit code.
   * @returns an exit code if success is not 0
   */
  run(ctx: CommandContext, args: Values<A> & Values<O>): Promise<number | void>;
}

/** A command as the program and the completion scripts see it. Its name and summary stand in the command table. */
export interface Command {
  readonly details: string | undefined;
  readonly arguments: Arguments;
  readonly options: Options;
  readonly examples: readonly (readonly [line: string, does: string])[];
  run(ctx: CommandContext, args: Readonly<Record<string, unknown>>): Promise<number | void>;
}

/** Makes a command of its description; `run` gets arguments and options typed and read. */
export function defineCommand<const A extends Arguments = NoSpecs, const O extends Options = NoSpecs>(
  spec: CommandSpec<A, O>,
): Command {
  return {
    details: spec.details,
    arguments: spec.arguments ?? {},
    options: spec.options ?? {},
    examples: spec.examples ?? [],
    // The program reads the values with these very specs.
    run: async (ctx, args) => await spec.run(ctx, args as Values<A> & Values<O>),
  };
}
