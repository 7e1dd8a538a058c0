import type { LogLevel } from "@nex/protocol";
import { NexError } from "@nex/protocol";
import { HOST_SERVICES } from "./registry.ts";
import type { HostService, OpenService, ServiceScope } from "./service.ts";

/** The host services of one workload: opened once, shared by its instances, so that their handles are too. */
export class WorkloadServices {
  readonly scope: ServiceScope;
  readonly #open: Map<number, OpenService> = new Map();

  constructor(scope: ServiceScope) {
    this.scope = scope;
    for (const definition of HOST_SERVICES) {
      if (definition.isEnabled(scope.config)) this.#open.set(definition.code, definition.open(scope));
    }
  }

  /** @throws NexError `service_disabled`, `unknown_method` */
  find(code: number): OpenService {
    const found = this.#open.get(code);
    if (found !== undefined) return found;
    const known = HOST_SERVICES.find((definition) => definition.code === code);
    if (known === undefined)
      throw new NexError("unknown_method", `This node has no host service ${code}.`, { data: { service: code } });
    throw new NexError(
      "service_disabled",
      `The host service "${known.name}" is switched off for this workload. The node's operator can enable it under host_services.`,
      { data: { service: known.name } },
    );
  }
}

/** `kv.get`, or numbers for what does not exist. */
export function labelOf(code: number, method: number): string {
  const known: HostService | undefined = HOST_SERVICES.find((definition) => definition.code === code);
  if (known === undefined) return `${code}.${method}`;
  const name = Object.entries(known.methods).find(([, number]) => number === method)?.[0];
  return `${known.name}.${name ?? method}`;
}

/** Takes lines of the node's about one instance. */
export type Note = (level: LogLevel, text: string) => void;
