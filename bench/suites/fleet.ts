import { jetstream } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { NexClient } from "@nex/client";
import { keyOf, writeRecord } from "@nex/node/placement";
import { controlSubjects, ExchangeKey, type WorkloadDetail } from "@nex/protocol";
import { waitFor } from "@nex/testing";
import { type Figure, figure } from "../figures/figure.ts";
import type { System } from "../system.ts";
import { ECHO_FUNCTION } from "./echo-function.ts";
import type { Suite } from "./suite.ts";

const NODES = 3;
const REPLICAS = 6;
const LISTED = 1000;
const LISTINGS = 20;
/** The default of `failover_after`, ms. */
const FAILOVER_MS = 10_000;
const PATIENCE_MS = 60_000;

export const fleet: Suite = {
  name: "fleet",
  title: `${NODES} nodes, ${REPLICAS} replicas of a function: a lame duck, a kill -9, and a listing of ${LISTED} workloads`,
  async run({ environment, progress }) {
    const nexus = { nexus: "fleet", key: ExchangeKey.create().seed };
    const systems: System[] = [];
    for (let at = 0; at < NODES; at++) {
      progress(`starting node ${at}`);
      systems.push(await environment.startSystem({ poolSize: 1, fleet: nexus }));
    }
    const connection = await connect({ servers: environment.url });
    await using nex = await NexClient.connect({ connection });
    try {
      await waitFor(async () => (await nex.nodes.list()).length === NODES, { timeoutMs: PATIENCE_MS });
      progress("deploying");
      const artifact = Buffer.from(ECHO_FUNCTION);
      const deploying = performance.now();
      await nex.workloads.deploy({
        name: "fleet",
        kind: "javascript",
        artifact,
        triggers: ["bench.fleet"],
        replicas: REPLICAS,
      });
      const deployMs = performance.now() - deploying;
      await whenSpread(nex, NODES);
      progress("a node enters lame duck mode");
      const [duck] = await nodesOf(nex);
      const left = performance.now();
      await connection.request(controlSubjects.lameDuck(duck!), "");
      await whenSpread(nex, NODES - 1);
      const leaveMs = performance.now() - left;
      progress("a node is killed");
      const victim = (await nodesOf(nex))[0]!;
      const ids = await Promise.all(systems.map(async (system) => await system.id()));
      const dying = systems[ids.indexOf(victim)]!;
      const died = performance.now();
      await dying.kill();
      await whenSpread(nex, 1);
      const failoverMs = performance.now() - died;
      progress(`listing ${LISTED} workloads`);
      const listings = await list(connection, nex);
      const meaning = { unit: "ms", better: "lower" } as const;
      return [
        figure({ ...meaning, key: "deploy", title: `deploy of ${REPLICAS} replicas over ${NODES} nodes` }, [deployMs]),
        figure({ ...meaning, key: "leave", title: "a lame duck's instances run elsewhere" }, [leaveMs]),
        figure(
          { ...meaning, key: "failover", title: "a dead node's instances run elsewhere", target: FAILOVER_MS + 3000 },
          [failoverMs],
        ),
        figure({ ...meaning, key: "list", title: `a listing of ${LISTED} workloads`, target: 500 }, listings),
      ] satisfies Figure[];
    } finally {
      await connection.close();
    }
  },
};

async function details(nex: NexClient): Promise<WorkloadDetail> {
  return await nex.workloads.get("fleet");
}

async function nodesOf(nex: NexClient): Promise<string[]> {
  return [...new Set((await details(nex)).instances.map(({ node_id }) => node_id))];
}

/** Waits until all replicas run, on so many nodes. */
async function whenSpread(nex: NexClient, nodes: number): Promise<void> {
  await waitFor(
    async () => {
      const running = (await details(nex)).instances.filter(({ state }) => state === "running");
      return running.length === REPLICAS && new Set(running.map(({ node_id }) => node_id)).size === nodes;
    },
    { timeoutMs: PATIENCE_MS, message: `all instances on ${nodes} nodes` },
  );
}

/** Of workloads that are in the records and that nobody runs: what a listing costs does not depend on that. */
async function list(connection: NatsConnection, nex: NexClient): Promise<number[]> {
  const bucket = await new Kvm(jetstream(connection)).open("nex_fleet");
  const kept = { revision: 1, sha256: "0".repeat(64), size: 1000, deployedAt: new Date(0).toISOString() };
  for (let at = 0; at < LISTED; at++) {
    const record = {
      birth: "bench",
      owner: "A".repeat(56),
      last: 1,
      current: 1,
      kept: [kept],
      replicas: 1,
      needs: { kind: "javascript", tags: { no: "node" } } as const,
    };
    await bucket.put(keyOf.workload("default", `listed${at}`), writeRecord(record));
  }
  await waitFor(async () => (await nex.workloads.list()).length > LISTED, { timeoutMs: PATIENCE_MS });
  const taken: number[] = [];
  for (let at = 0; at < LISTINGS; at++) {
    const began = performance.now();
    await nex.workloads.list();
    taken.push(performance.now() - began);
  }
  return taken;
}
