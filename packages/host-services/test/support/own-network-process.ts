/**
 * In a network namespace of its own: a server on what was a public address, and requests to it. Says as JSON whether
 * each could be made: before the address was this machine's, after, and where the operator has opened it.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { hostServicesSchema } from "../../src/host/config.ts";
import { dial } from "../../src/http/dial.ts";
import { HttpReach } from "../../src/http/reach.ts";

const V4 = "8.8.4.4";
const V6 = "2606:4700::1111";
const { http } = hostServicesSchema.parse({});
const reach = new HttpReach(http);
const opened = new HttpReach({ ...http, allow: [V4] });

const allowsBefore = [V4, V6].map((address) => reach.allows(address, address, 80));
execFileSync("ip", ["link", "set", "lo", "up"]);
execFileSync("ip", ["address", "add", `${V4}/32`, "dev", "lo"]);
execFileSync("ip", ["address", "add", `${V6}/128`, "dev", "lo", "nodad"]);
const server = createServer((_, response) => response.end("the host's own"));
await once(server.listen(80, "::"), "listening");

const result = {
  allowsBefore,
  after: await Promise.all([`http://${V4}/`, `http://[${V6}]/`].map(async (url) => await outcome(url, reach))),
  opened: await outcome(`http://${V4}/`, opened),
};
server.close();
process.stdout.write(JSON.stringify(result));

async function outcome(url: string, by: HttpReach): Promise<unknown> {
  const order = { url: new URL(url), method: "GET", headers: [], body: undefined, signal: AbortSignal.timeout(10_000) };
  try {
    const answer = await dial(order, by);
    answer.resume();
    return answer.statusCode;
  } catch (error) {
    return (error as { readonly code?: unknown }).code;
  }
}
