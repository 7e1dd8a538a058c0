export { startNatsServer, type TestNats, type TestNatsOptions } from "./nats-server.ts";
export { childrenOf, type ProcessEntry, processAlive, processes } from "./processes.ts";
export { agentPrograms, type AgentPrograms, bubblewrapProgram, REPOSITORY } from "./programs.ts";
export { startProgram, type StartedProgram, type StartProgramOptions } from "./start-program.ts";
export { temporaryDirectory, type TemporaryDirectory } from "./temporary-directory.ts";
export { waitFor, type WaitForOptions } from "./wait-for.ts";
export { buildAssemblyScript, buildC, buildStaticProgram, missingCCompiler } from "./compilers.ts";
export { findGo, findRust, type Toolchain } from "./toolchains.ts";
