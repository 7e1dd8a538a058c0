/**
 * The demonstration behind `npm run demo`: a node with its own NATS server, the orders function deployed into it,
 * and every order of the data file sent through NATS. Everything it starts and writes is gone at the end.
 */
import { fileURLToPath } from "node:url";
import { styleText } from "node:util";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { type OrderMessage, readOrderFile } from "../data/order-file.ts";
import { NexCli } from "./nex-cli.ts";
import { countriesTable, faultsTable, latencyLine } from "./report.ts";
import { type OrderReply, Tally } from "./tally.ts";

/** Orders under way at once, as from a handful of busy shops. */
const IN_FLIGHT = 8;

const FUNCTION = fileURLToPath(new URL("../function.ts", import.meta.url));

async function main(): Promise<void> {
  await using nex = await NexCli.open();
  say("nex up --ephemeral", "a node, with a NATS server of its own");
  const { server, sandbox } = await nex.up("--ephemeral");
  told(`ready on ${String(server)}, sandbox "${String(sandbox)}"`);

  say(
    "nex run examples/orders/function.ts --name orders --trigger 'orders.*.new'",
    "TypeScript in, a running function out",
  );
  const startedAt = performance.now();
  const { revision, state } = await nex.run("run", FUNCTION, "--name", "orders", "--trigger", "orders.*.new");
  told(`revision ${String(revision)} is ${String(state)} after ${Math.round(performance.now() - startedAt)} ms`);

  const orders = readOrderFile();
  say(
    `${orders.length.toLocaleString("en")} orders from examples/orders/data/orders.jsonl, published on orders.<country>.new`,
  );
  const { url, user, password } = await nex.login();
  const connection = await connect({ servers: url, user, pass: password });
  const sentAt = performance.now();
  const tally = await sendAll(connection, orders);
  const elapsed = performance.now() - sentAt;
  await connection.close();

  console.log(`\n${countriesTable(tally)}\n\n${faultsTable(tally)}\n\n  ${latencyLine(tally, elapsed)}\n`);
  console.log(
    `Now yours: change examples/orders/function.ts, then  ${styleText("cyan", "npx nex up")}  and, in another terminal,  ${styleText("cyan", "npx nex run examples/orders/function.ts --name orders --trigger 'orders.*.new'")}`,
  );
}

async function sendAll(connection: NatsConnection, orders: readonly OrderMessage[]): Promise<Tally> {
  const tally = new Tally();
  const queue = orders.values();
  const sender = async (): Promise<void> => {
    for (const { subject, payload } of queue) {
      const sentAt = performance.now();
      const reply = await connection.request(subject, payload, { timeout: 10_000 });
      tally.add(reply.json<OrderReply>(), performance.now() - sentAt);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
  return tally;
}

function say(what: string, why?: string): void {
  console.log(
    `${styleText("cyan", "›")} ${styleText("bold", what)}${why === undefined ? "" : styleText("dim", `   ${why}`)}`,
  );
}

function told(text: string): void {
  console.log(`  ${text}`);
}

await main();
