/**
 * The parts of the `nex` command that other programs can use: bundling a function and telling kinds of workloads
 * apart, finding a connection as the `nats` CLI does, and the program itself.
 *
 * ```ts
 * const { source } = await bundleFunction("orders/price.ts");
 * const connection = await connectToNats(resolveConnection({ context: "dev" }, process.env, 5000));
 * ```
 */
export { detectKind } from "./artifact/detect-kind.ts";
export { bundleFunction, type FunctionBundle } from "./bundle/bundle-function.ts";
export { mapPosition } from "./bundle/source-map.ts";
export type { SourcePlace } from "./bundle/source-error.ts";
export type {
  ConnectionConfig,
  ConnectionFlags,
  Credentials,
  Secret,
  TlsConfig,
} from "./connection/connection-config.ts";
export { connectionOptions, connectToNats } from "./connection/connect.ts";
export { resolveConnection } from "./connection/resolve-connection.ts";
export { exitCodeOf, ExitCode, signalExitCode } from "./exit-codes.ts";
export { type ProgramHost, runProgram } from "./program.ts";
export { processTerminal, type Terminal, type TerminalOutput } from "./terminal/terminal.ts";
