import { checkName } from "@nex/protocol";
import { userReady } from "./readiness.ts";
import type { ListenAddress, ServerConfig, UserCredentials } from "./server-config.ts";
import type { ServerLog } from "./server-log.ts";
import type { ServerProcess } from "./server-process.ts";

interface RunningServer {
  readonly url: string;
  readonly address: ListenAddress;
  readonly config: ServerConfig;
  readonly process: ServerProcess;
  readonly log: ServerLog;
}

/** Makes the namespaces' users in a running server, one after the other. */
export class NamespaceUsers {
  readonly #server: RunningServer;
  /** In force; at first those of earlier starts, which are in the configuration the server began with. */
  readonly #known: Set<string>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(server: RunningServer) {
    this.#server = server;
    this.#known = new Set(server.config.namespaces());
  }

  async ensure(namespace: string): Promise<UserCredentials> {
    checkName("namespace", namespace);
    if (this.#known.has(namespace)) return this.#server.config.namespace(namespace);
    const turn = this.#last.then(async () => await this.#make(namespace));
    this.#last = turn.catch(() => undefined);
    return await turn;
  }

  async #make(namespace: string): Promise<UserCredentials> {
    const { url, address, config, process, log } = this.#server;
    const user = config.namespace(namespace);
    if (this.#known.has(namespace)) return user;
    await config.write(address);
    process.reload();
    await userReady(url, user, process, log);
    this.#known.add(namespace);
    return user;
  }
}
