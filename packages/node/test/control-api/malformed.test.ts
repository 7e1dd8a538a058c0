import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { after, before, describe, it } from "node:test";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { RunningNode } from "./support/running-node.ts";

const MEGABYTE = 1000 * 1000;

/** Bodies that are no request at all, whatever is asked. */
const JUNK: Readonly<Record<string, string | Uint8Array>> = {
  "that are not JSON": "{not json",
  "cut short": '{"name":"x',
  "that are not UTF-8": new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]),
  "of zero bytes": new Uint8Array(100),
  "nested deeply": "[".repeat(100_000),
  "nested deeply and closed": `${'{"a":'.repeat(500)}1${"}".repeat(500)}`,
  "that are a number": "1e400",
  "that are text": '"text"',
  "that are a list": "[]",
  "that are true": "true",
  "with a byte order mark": "\uFEFF{}",
  "of a megabyte of spaces": " ".repeat(MEGABYTE),
};

/** Wrong values by what a field should be. JSON text, because JSON can say what JavaScript cannot write. */
const WRONG = {
  text: ["5", "true", "{}", "[]", '["x"]'],
  flag: ['"true"', "1", "{}", "[]"],
  amount: ['"5"', "-1", "1.5", "1e400", "1e300", "{}", "true"],
  list: ['"x"', "5", "{}", "[5]", "[null]", `[${'"x",'.repeat(300)}"x"]`],
  texts: ['"x"', "5", "[]", '{"a":5}', '{"a":{}}'],
  object: ['"x"', "5", "[]", "true"],
} as const;
type FieldType = keyof typeof WRONG;

interface Operation {
  /** Subject without the node's id. */
  readonly subject: string;
  readonly required: readonly string[];
  readonly fields: Readonly<Record<string, FieldType>>;
}

const TEXT_FIELDS = (...names: string[]): Record<string, FieldType> =>
  Object.fromEntries(names.map((name) => [name, "text"]));

const OPERATIONS: Readonly<Record<string, Operation>> = {
  DEPLOY: {
    subject: "$NEX.DEPLOY.default.",
    required: ["type", "location", "workload_jwt", "environment", "sender_public_key", "target_node"],
    fields: {
      ...TEXT_FIELDS("type", "workload_jwt", "environment", "sender_public_key", "target_node", "description"),
      ...TEXT_FIELDS("jsdomain", "retried_at", "kind"),
      location: "object",
      trigger_connection: "object",
      host_services: "object",
      host_service_limits: "object",
      artifact: "object",
      argv: "list",
      trigger_subjects: "list",
      connect: "list",
      tags: "texts",
      essential: "flag",
      allow_all_subjects: "flag",
      retry_count: "amount",
      max_in_flight: "amount",
      max_waiting: "amount",
      deadline_ms: "amount",
      memory_bytes: "amount",
      replicas: "amount",
    },
  },
  STOP: {
    subject: "$NEX.STOP.default.",
    required: ["workload_id", "workload_jwt", "target_node"],
    fields: TEXT_FIELDS("workload_id", "workload_jwt", "target_node"),
  },
  UNDEPLOY: {
    subject: "$NEX.UNDEPLOY.default.",
    required: ["name", "workload_jwt", "target_node"],
    fields: TEXT_FIELDS("name", "workload_jwt", "target_node"),
  },
  ROLLBACK: {
    subject: "$NEX.ROLLBACK.default.",
    required: ["name", "workload_jwt", "target_node"],
    fields: { ...TEXT_FIELDS("name", "workload_jwt", "target_node"), revision: "amount" },
  },
  AUCTION: {
    subject: "$NEX.AUCTION",
    required: [],
    fields: { arch: "text", os: "text", sandboxed: "flag", tags: "texts", workload_types: "list" },
  },
  WORKLOADS: {
    subject: "$NEX.WORKLOADS.default",
    required: [],
    fields: TEXT_FIELDS("name", "node_id", "after"),
  },
  LOGS: {
    subject: "$NEX.LOGS.default",
    required: [],
    fields: { workload: "text", id: "text", limit: "amount", since: "text" },
  },
  RECENT_EVENTS: {
    subject: "$NEX.RECENT_EVENTS.default",
    required: [],
    fields: { types: "list", limit: "amount", since: "text" },
  },
};

/** Whose body nobody reads, or only where it can be read: 0.2.7 does not look at it. */
const BODILESS = ["$NEX.PING", "$NEX.PING.", "$NEX.INFO.default."];

/** Right in form and wrong in substance. */
const FORMED: Readonly<Record<string, unknown>> = {
  type: "v8",
  location: { Host: "nex_artifacts", Path: "/x" },
  workload_jwt: "a.b.c",
  environment: "",
  sender_public_key: "X",
  target_node: "N",
  workload_id: "x",
  name: "x",
};

describe("malformed control messages", () => {
  let running: RunningNode;
  before(async () => (running = await RunningNode.start({ config: { pool: { size: 0 } } })));
  after(async () => await running.close());

  const subjectOf = (subject: string): string => (subject.endsWith(".") ? subject + running.node.id : subject);

  /** Asks, and looks whether the refusal has the form it should have. */
  const refused = async (operation: Operation, body: string | Uint8Array): Promise<Record<string, unknown>> => {
    const { type, data, error, code, details } = await running.askPatiently(subjectOf(operation.subject), body);
    assert.equal(typeof error, "string", `${JSON.stringify(data)} was answered to ${String(body).slice(0, 100)}`);
    assert.ok((error?.length ?? 0) < 5000);
    assert.match(type, /^io\.nats\.nex\.v1\.[a-z_]+_response$/);
    assert.equal(data, "");
    return { code, ...details };
  };
  const lives = async (): Promise<void> =>
    assert.equal((await running.askPatiently("$NEX.PING")).data.node_id, running.node.id);

  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const required = Object.fromEntries(operation.required.map((field) => [field, FORMED[field]]));
    const withField = (field: string, json: string): string => {
      const rest = JSON.stringify({ ...required, [field]: undefined }).slice(1, -1);
      return `{${rest}${rest === "" ? "" : ","}"${field}":${json}}`;
    };

    describe(name, () => {
      for (const [what, body] of Object.entries(JUNK)) {
        it(`refuses bodies ${what}`, async () => {
          const { code } = await refused(operation, body);
          assert.ok(code === "invalid_request" || code === "too_large", String(code));
          await lives();
        });
      }

      for (const field of operation.required) {
        it(`refuses to do without ${field}`, async () => {
          for (const body of [JSON.stringify({ ...required, [field]: undefined }), withField(field, "null")]) {
            assert.deepEqual(await refused(operation, body), { code: "invalid_request", field });
          }
        });
      }

      for (const [field, type] of Object.entries(operation.fields)) {
        it(`refuses a ${field} that is wrong`, async () => {
          for (const value of WRONG[type]) {
            const found = await refused(operation, withField(field, value));
            assert.equal(found["code"], "invalid_request", value);
            assert.match(String(found["field"]), new RegExp(`^${field}(\\.|$)`), value);
          }
        });

        it(`refuses a ${field} of a megabyte`, async () => {
          const long = JSON.stringify("/".repeat(MEGABYTE - 2000));
          const body = withField(field, type === "text" ? long : `[${long}]`);
          await refused(operation, body);
          await lives();
        });
      }
    });
  }

  for (const subject of BODILESS) {
    it(`${subject} is answered whatever its body`, async () => {
      for (const body of Object.values(JUNK)) {
        const { error, data } = await running.askPatiently(subjectOf(subject), body);
        assert.equal(error, undefined);
        assert.notEqual(data, "");
      }
    });
  }

  for (const tail of ["WPING.a.b.c", "WPING.*", "INFO.ä.", `DEPLOY.${"x".repeat(64)}.`]) {
    it(`a subject that is none, ${tail.slice(0, 20)}, is refused`, async () => {
      const reply = await running.askPatiently(subjectOf(`$NEX.${tail}`));
      assert.equal(reply.code, "invalid_request");
    });
  }

  it("keys such as __proto__ change nothing", async () => {
    const keys = '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}';
    for (const { subject } of Object.values(OPERATIONS)) {
      await running.askPatiently(subjectOf(subject), `{${keys}}`);
      await running.askPatiently(subjectOf(subject), `{${keys},"tags":{${keys}},"location":{${keys}}}`);
    }
    assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);
    assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
    await lives();
  });

  it("of any form at all are answered", async () => {
    const operation = fc.constantFrom(...Object.values(OPERATIONS));
    const fields = fc.dictionary(
      fc.constantFrom(...Object.values(OPERATIONS).flatMap(({ fields: known }) => Object.keys(known))),
      fc.jsonValue({ maxDepth: 3 }),
    );
    const bodies = fc.oneof(
      fc.uint8Array({ maxLength: 500 }),
      fc.json().map((json) => Buffer.from(json)),
      fields.map((object) => Buffer.from(JSON.stringify(object))),
    );
    await fc.assert(
      fc.asyncProperty(operation, bodies, async ({ subject }, body) => {
        // Rate limited is an answer too.
        if (subject !== "$NEX.AUCTION") assert.ok((await running.ask(subjectOf(subject), body)).type);
        await lives();
      }),
      { numRuns: 150 },
    );
  });

  it("leave nothing in the node's memory", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const used = (): number => (collect(), process.memoryUsage().heapUsed);
    const body = JSON.stringify({ ...FORMED, location: { Host: "x".repeat(MEGABYTE / 2), Path: "y" } });
    const junk = async (): Promise<void> => {
      for (let n = 0; n < 100; n++) await running.ask(`$NEX.DEPLOY.default.${running.node.id}`, body);
    };
    await junk();
    const usedBefore = used();
    await junk();
    await junk();
    assert.ok(used() - usedBefore < 10 * MEGABYTE, `${used() - usedBefore} bytes more`);
  });
});
