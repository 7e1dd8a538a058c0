import { NexError } from "@nex/protocol";
import type { HttpConfig } from "../host/config.ts";
import { AllowList, isPublicAddress } from "./address-rules.ts";
import { isOwnAddress } from "./own-addresses.ts";

/** Where one workload's requests may go: what is public or opened by the operator, and of that what its deploy named. */
export class HttpReach {
  readonly #opened: AllowList;
  readonly #openedIfNamed: AllowList;
  /** Absent where the deploy named nothing: then it has all that is open to everybody. */
  readonly #named: AllowList | undefined;

  constructor({ allow, allow_named, only }: HttpConfig) {
    this.#opened = new AllowList(allow);
    this.#openedIfNamed = new AllowList(allow_named);
    this.#named = only === undefined ? undefined : new AllowList(only);
  }

  /** True where no address of the host could help: a name that must not be reached is not even looked up. */
  rulesOut(host: string, port: number): boolean {
    return this.#named?.hasOnlyNames === true && !this.#named.allowsHost(host, port);
  }

  /** @param address one that the host has, or the host itself */
  allows(host: string, address: string, port: number): boolean {
    if (this.#named !== undefined && !takesIn(this.#named, host, address, port)) return false;
    return (
      (isPublicAddress(address) && !isOwnAddress(address)) ||
      takesIn(this.#opened, host, address, port) ||
      (this.#named !== undefined && takesIn(this.#openedIfNamed, host, address, port))
    );
  }

  /** Says nothing of what a name resolved to: that may be private too. */
  refusal(host: string, port: number): NexError {
    return new NexError("http_denied", this.#whyNot(host, port), { data: { host, port } });
  }

  #whyNot(host: string, port: number): string {
    if (this.#named !== undefined)
      return `Port ${port} of ${host} is not among what this workload was deployed to reach (--allow-http), or is neither public nor on the node's allow-lists (host_services.http.allow, .allow_named).`;
    if (this.#openedIfNamed.allowsHost(host, port))
      return `Port ${port} of ${host} is open only to workloads whose deploy names it (--allow-http ${host}:${port}).`;
    return `${host} has no public address, or none but the node's own, and port ${port} of it is not on this node's allow-list (host_services.http.allow).`;
  }
}

function takesIn(list: AllowList, host: string, address: string, port: number): boolean {
  return list.allowsHost(host, port) || list.allowsAddress(address, port);
}
