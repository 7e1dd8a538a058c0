import { duplexPair } from "node:stream";
import { moduleServices, ServiceClient } from "@nex/host-services/guest";
import {
  ByteBudget,
  type HostServicesOptions,
  hostServicesSchema,
  InstanceServices,
  type ServiceScope,
  WorkloadServices,
} from "@nex/host-services/host";
import { Link } from "@nex/link";
import { checkMessageSubject } from "@nex/protocol";

export interface GuestLink extends AsyncDisposable {
  /** The guest's end, for calls no honest guest makes. */
  readonly link: Link;
  /** The node's end. */
  readonly host: Link;
  readonly client: ServiceClient;
  readonly services: ReturnType<typeof moduleServices>;
  readonly notes: readonly string[];
}

export type GuestScope = Pick<ServiceScope, "workload" | "connection"> &
  Partial<ServiceScope> & { readonly options?: HostServicesOptions };

/** One workload's host services at one end of a link, a guest at the other: all but the processes. */
export function guestLink(scope: GuestScope): GuestLink {
  const [near, far] = duplexPair();
  const host = new Link(near);
  const link = new Link(far);
  const notes: string[] = [];
  const { connection } = scope;
  const workload = new WorkloadServices({
    storage: async () => connection,
    heldBytes: new ByteBudget(2 ** 30, "the guest"),
    checkSubject: (subject) => checkMessageSubject(subject, []),
    config: hostServicesSchema.parse(scope.options ?? {}),
    ...scope,
  });
  new InstanceServices(workload, (_, text) => void notes.push(text)).serve(host);
  const client = new ServiceClient({ link, maxPayload: () => 1024 * 1024 });
  return {
    link,
    host,
    notes,
    client,
    services: moduleServices(client),
    [Symbol.asyncDispose]: async () => {
      link.close();
      await host.closed;
    },
  };
}
