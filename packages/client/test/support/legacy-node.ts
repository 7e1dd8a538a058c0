import type { NatsConnection } from "@nats-io/transport-node";
import { decodeClaims, ExchangeKey, SigningKey } from "@nex/protocol";

interface Machine {
  readonly id: string;
  readonly name: string;
  readonly iss: string;
}

/**
 * Speaks on the wire as a node of nex 0.2.7 was seen to, as far as a client comes near it. That program itself cannot be
 * had from the registries that tests may use.
 */
export class LegacyNode {
  readonly id: string = `N${SigningKey.create("account").publicKey.slice(1)}`;
  readonly machines: Machine[] = [];
  readonly #connection: NatsConnection;
  readonly #key: ExchangeKey = ExchangeKey.create();
  readonly #tags = { "nex.arch": "amd64", "nex.cpucount": "2", "nex.os": "linux", node_name: "unlikely-adventure" };

  /** Resolves once it is heard. */
  static async start(connection: NatsConnection): Promise<LegacyNode> {
    const node = new LegacyNode(connection);
    await connection.flush();
    return node;
  }

  private constructor(connection: NatsConnection) {
    this.#connection = connection;
    const { id } = this;
    for (const subject of ["$NEX.AUCTION", "$NEX.PING", `$NEX.PING.${id}`])
      this.#answer(subject, "ping", () => this.#ping());
    this.#answer(`$NEX.INFO.*.${id}`, "info", () => this.#info());
    this.#answer(`$NEX.DEPLOY.*.${id}`, "run", (body) => this.#deploy(body));
    this.#answer(`$NEX.STOP.*.${id}`, "stop", (body) => this.#stop(body));
  }

  #answer(subject: string, type: string, answer: (body: Record<string, string>) => object): void {
    this.#connection.subscribe(subject, {
      callback: (_, message) => {
        const envelope = { type: `io.nats.nex.v1.${type}_response` };
        const body = message.data.length === 0 ? {} : message.json<Record<string, string>>();
        try {
          message.respond(JSON.stringify({ ...envelope, data: answer(body) }));
        } catch (error) {
          message.respond(JSON.stringify({ ...envelope, data: "", error: (error as Error).message }));
        }
      },
    });
  }

  #ping(): object {
    const { publicKey: target_xkey } = this.#key;
    const { length: running_machines } = this.machines;
    return {
      node_id: this.id,
      nexus: "nexus",
      version: "0.2.7",
      uptime: "4m2s",
      target_xkey,
      tags: this.#tags,
      running_machines,
    };
  }

  #info(): object {
    return {
      version: "0.2.7",
      uptime: "4m2s",
      public_xkey: this.#key.publicKey,
      tags: this.#tags,
      memory: { total: 24_684_084, free: 21_524_440, available: 23_845_960 },
      machines: this.machines.map(({ id, name }) => ({
        id,
        healthy: true,
        uptime: "1m3s",
        namespace: "default",
        workload: { name, description: "made by a test", runtime: "1m3s", type: "v8", hash: "9f86" },
      })),
      supported_workload_types: ["native", "v8", "wasm"],
    };
  }

  #deploy({ workload_jwt = "" }: Record<string, string>): object {
    const { name, issuer: iss } = decodeClaims(workload_jwt);
    const id = `dc46mhhksdu87v1or${this.machines.length}`;
    this.machines.push({ id, name, iss });
    return { started: true, id, issuer: iss, name };
  }

  #stop({ workload_id: id = "", workload_jwt = "" }: Record<string, string>): object {
    const found = this.machines.findIndex((machine) => machine.id === id);
    if (found === -1) throw new Error("No such workload");
    const { name, iss } = this.machines[found]!;
    const claims = decodeClaims(workload_jwt);
    if (claims.name !== name)
      throw new Error("Invalid stop request: stop claims subject does not match original start claims subject");
    if (claims.issuer !== iss)
      throw new Error(
        "Invalid stop request: the only entity allowed to terminate a workload is the issuer that originally started it",
      );
    this.machines.splice(found, 1);
    return { stopped: true, id, issuer: iss, name };
  }
}
