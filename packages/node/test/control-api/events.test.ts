import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { decodeEvent, type NexEvent } from "@nex/protocol";
import { waitFor } from "@nex/testing";
import { deployFunction, deployRequest, deploySubject, stopRequest, undeployRequest } from "./support/deploys.ts";
import { RunningNode } from "./support/running-node.ts";

describe("events", () => {
  let running: RunningNode;
  const seen: { readonly subject: string; readonly event: NexEvent }[] = [];
  before(async () => {
    running = await RunningNode.start();
    running.client.subscribe("$NEX.events.>", {
      callback: (_, { subject, data }) => void seen.push({ subject, event: decodeEvent(data) }),
    });
    await running.client.flush();
  });
  after(async () => await running.close());

  const heard = async (subject: string): Promise<Record<string, unknown>> => {
    const { event } = await waitFor(() => seen.find((one) => one.subject === subject), { message: subject });
    const [, , namespace, type] = subject.split(".");
    assert.deepEqual(
      { ...event, id: "", time: "", data: undefined },
      {
        specversion: "1.0",
        id: "",
        source: running.node.id,
        type,
        time: "",
        datacontenttype: "application/json",
        namespace,
        data: undefined,
      },
    );
    assert.match(event.id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.ok(Math.abs(Date.parse(event.time ?? "") - Date.now()) < 60_000);
    return event.data as Record<string, unknown>;
  };

  it("tell that a node has started", async () => {
    const { data } = await running.told.event("node_started");
    assert.deepEqual([data["id"], data["version"]], [running.node.id, "0.1.0"]);
  });

  it("tell of a deploy, in its namespace", async () => {
    await deployFunction(running, { name: "told", namespace: "shop" });
    assert.equal((await heard("$NEX.events.shop.workload_deployed"))["workload_name"], "told");
    assert.equal((await heard("$NEX.events.shop.workload_started"))["revision"], 1);
  });

  it("tell of a deploy refused, with its code", async () => {
    await running.ask(deploySubject(running, "refusals"), "{}");
    assert.equal((await heard("$NEX.events.refusals.deploy_refused"))["code"], "invalid_request");
  });

  it("tell which workload a refused deploy was about", async () => {
    await running.ask(deploySubject(running, "about"), { workload_name: "mine", type: "nonsense" });
    assert.equal((await heard("$NEX.events.about.deploy_refused"))["workload"], "mine");
  });

  it("tell of a rollback refused as of a deploy", async () => {
    await running.ask(`$NEX.ROLLBACK.back.${running.node.id}`, "{}");
    assert.equal((await heard("$NEX.events.back.deploy_refused"))["code"], "invalid_request");
  });

  it("tell of a stop refused, with its code", async () => {
    const request = stopRequest(running, "x", { namespace: "stops" });
    await running.ask(`$NEX.STOP.stops.${running.node.id}`, request);
    assert.equal((await heard("$NEX.events.stops.stop_refused"))["code"], "workload_not_found");
  });

  it("tell of a stop", async () => {
    await deployFunction(running, { name: "ends", namespace: "ending" });
    const request = undeployRequest(running, { name: "ends", namespace: "ending" });
    await running.ask(`$NEX.UNDEPLOY.ending.${running.node.id}`, request);
    assert.equal((await heard("$NEX.events.ending.workload_stopped"))["workload_name"], "ends");
  });

  it("are short, whatever the function threw", async () => {
    const source = 'throw new Error("long ".repeat(500_000));';
    const { code, error = "" } = await deployFunction(running, { name: "long", namespace: "long", source });
    assert.equal(code, "invalid_artifact");
    assert.ok(error.length < 5000);
    assert.ok(String((await heard("$NEX.events.long.deploy_refused"))["message"]).length < 5000);
  });

  it("carry texts of strangers as data, never as more events", async () => {
    const type = 'x"}\r\n\r\nPUB $NEX.events.default.node_started 2\r\n{}\r\n';
    await running.ask(deploySubject(running, "odd"), await deployRequest(running, { request: { type } }));
    const { message } = await heard("$NEX.events.odd.deploy_refused");
    assert.match(String(message), /PUB \$NEX/);
    assert.equal(
      seen.some(({ subject }) => subject === "$NEX.events.default.node_started"),
      false,
    );
  });

  it("are there to be asked for later", async () => {
    const { data } = await running.ask("$NEX.RECENT_EVENTS.shop", { types: ["workload_deployed"] });
    assert.equal(data.node_id, running.node.id);
    assert.deepEqual(
      data.events.map((event: NexEvent) => event.type),
      ["workload_deployed"],
    );
  });
});

describe("logs", () => {
  it("are there to be asked for later, in their namespace only", async () => {
    await using running = await RunningNode.start();
    const source = "export default (event) => { console.log('line', event.text()); return 'ok'; };";
    await deployFunction(running, { name: "talks", source });
    await running.client.request("talks", "one");
    await running.told.log("line one");
    const { data } = await running.ask("$NEX.LOGS.default", { workload: "talks" });
    assert.deepEqual(
      data.records.map(({ text, workload, namespace }: Record<string, string>) => [text, workload, namespace]),
      [["line one", "talks", "default"]],
    );
    assert.deepEqual((await running.ask("$NEX.LOGS.other")).data.records, []);
  });
});
