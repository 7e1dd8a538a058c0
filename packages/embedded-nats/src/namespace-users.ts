import { checkName } from "@nex/protocol";
import { userReady } from "./readiness.ts";
import type { ServerSupervisor } from "./server-supervisor.ts";
import type { ListenAddress, ServerConfig, UserCredentials } from "./server-config.ts";
import type { ServerLog } from "./server-log.ts";
import type { StorageOwner } from "./storage-rights.ts";

interface RunningServer {
  readonly url: string;
  readonly address: ListenAddress;
  readonly config: ServerConfig;
  readonly supervisor: ServerSupervisor;
  readonly log: ServerLog;
}

/** Makes the users of namespaces and of workloads' buckets in a running server, one after the other. */
export class NamespaceUsers {
  readonly #server: RunningServer;
  /** Users in force; at first those of earlier starts, which are in the configuration the server began with. */
  readonly #known: Set<string>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(server: RunningServer) {
    this.#server = server;
    this.#known = new Set(server.config.made());
  }

  async ensure(namespace: string): Promise<UserCredentials> {
    checkName("namespace", namespace);
    return await this.#inForce(() => this.#server.config.namespace(namespace));
  }

  async ensureStorage(owner: StorageOwner): Promise<UserCredentials> {
    checkName("namespace", owner.namespace);
    return await this.#inForce(() => this.#server.config.storage(owner));
  }

  /** @param make adds the user to the configuration; not before its turn, so that what is written is what is waited for */
  async #inForce(make: () => UserCredentials): Promise<UserCredentials> {
    const turn = this.#last.then(async () => await this.#make(make()));
    this.#last = turn.catch(() => undefined);
    return await turn;
  }

  async #make(user: UserCredentials): Promise<UserCredentials> {
    const { url, address, config, supervisor, log } = this.#server;
    if (this.#known.has(user.user)) return user;
    await config.write(address);
    const server = await supervisor.running();
    server.reload();
    await userReady(url, user, server, log);
    this.#known.add(user.user);
    return user;
  }
}
