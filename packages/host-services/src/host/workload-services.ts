import { type HostServiceLimits, type LogLevel, NexError } from "@nex/protocol";
import { narrowHostServices } from "./narrow.ts";
import { OutgoingFlow } from "./outgoing-flow.ts";
import { HOST_SERVICES } from "./registry.ts";
import type { HostService, OpenService, ServiceScope } from "./service.ts";

const USES_NATS: ReadonlySet<number> = new Set(
  HOST_SERVICES.filter(({ usesNats }) => usesNats).map(({ code }) => code),
);

/** The host services of one workload: opened once, and shared by its instances that are not narrowed further. */
export class WorkloadServices {
  readonly scope: ServiceScope;
  readonly #open: Map<number, OpenService> = new Map();
  readonly #flow: OutgoingFlow;

  constructor(scope: ServiceScope) {
    this.scope = scope;
    this.#flow = new OutgoingFlow(scope.connection);
    for (const definition of HOST_SERVICES) {
      if (definition.isEnabled(scope.config)) this.#open.set(definition.code, definition.open(scope));
    }
  }

  /** The same for an instance whose deploy asks for less. @throws NexError, see {@link narrowHostServices} */
  narrowed(limits: HostServiceLimits | undefined): WorkloadServices {
    if (limits === undefined) return this;
    return new WorkloadServices({ ...this.scope, config: narrowHostServices(this.scope.config, limits) });
  }

  /** Lets a call with so many bytes pass; a promise if the server has to take earlier ones first. */
  pass(code: number, bytes: number): Promise<void> | undefined {
    return USES_NATS.has(code) ? this.#flow.pass(bytes) : undefined;
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
      `The host service "${known.name}" is switched off for this workload: in the node's config (host_services), or by its own deploy (--without).`,
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
