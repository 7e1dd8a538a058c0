import { NexError, type WorkloadKind } from "@nex/protocol";
import { elfProvider } from "./elf/elf-provider.ts";
import { javascriptProvider } from "./javascript/javascript-provider.ts";
import type { Provider } from "./provider.ts";
import { wasmProvider } from "./wasm/wasm-provider.ts";

const PROVIDERS: readonly Provider[] = [elfProvider, javascriptProvider, wasmProvider];

/** @throws NexError `unsupported_kind` */
export function providerFor(kind: WorkloadKind): Provider {
  const provider = PROVIDERS.find((candidate) => candidate.kind === kind);
  if (provider !== undefined) return provider;
  const known = PROVIDERS.map((candidate) => candidate.kind).join(", ");
  throw new NexError("unsupported_kind", `This agent cannot run workloads of kind "${kind}"; it runs: ${known}.`, {
    data: { kind },
  });
}
