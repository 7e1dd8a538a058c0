import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { encodeMessage, parseMessage } from "../../src/control/messages/parse.ts";
import {
  decodeLogRecord,
  encodeLogRecord,
  LOG_LEVELS,
  LOG_STREAMS,
  type LogRecord,
  logsResponseSchema,
} from "../../src/feeds/logs.ts";
import { legacyLogSubject, logSubject } from "../../src/feeds/subjects.ts";
import { onlyNexErrors, throwsCode } from "../expect-nex-error.ts";

const RECEIVED = Date.UTC(2026, 0, 2);
const SUBJECT = "$NEX.logs.default.N1.cq1.orders";
const decode = (body: unknown, subject = SUBJECT): LogRecord => {
  const record = decodeLogRecord(subject, encodeMessage(body), RECEIVED);
  assert.ok(record);
  return record;
};

const names = fc.stringMatching(/^[a-z0-9]{1,10}$/);
const records = fc.record(
  {
    time: fc.constant("2026-01-02T03:04:05.678Z"),
    level: fc.constantFrom(...LOG_LEVELS),
    stream: fc.constantFrom(...LOG_STREAMS),
    text: fc.string({ unit: "binary" }).filter((text) => !text.endsWith("\n")),
    workload: names,
    namespace: names,
    id: names,
    invocation_id: names,
  },
  { requiredKeys: ["time", "level", "stream", "text", "workload", "namespace", "id"], noNullPrototype: true },
);

describe("log record", () => {
  it("comes back as it went", () => {
    fc.assert(
      fc.property(records, (record) => {
        const subject = logSubject({ ...record, node: "N1" });
        assert.deepEqual(decodeLogRecord(subject, encodeLogRecord(record as LogRecord), RECEIVED), record);
      }),
    );
  });

  it("is read once where it is published on both orders of name and id", () => {
    fc.assert(
      fc.property(records, (record) => {
        fc.pre(record.id !== record.workload);
        const body = encodeLogRecord(record);
        assert.equal(decodeLogRecord(legacyLogSubject({ ...record, node: "N1" }), body, RECEIVED), undefined);
      }),
    );
  });

  it("has on the wire what 0.2.7's client reads: text, a level in Go's spelling, id", () => {
    const record: LogRecord = {
      time: "2026-01-02T03:04:05Z",
      level: "warn",
      stream: "stderr",
      text: "t",
      workload: "w",
      namespace: "ns",
      id: "cq1",
    };
    const { text, level, id } = JSON.parse(Buffer.from(encodeLogRecord(record)).toString());
    assert.deepEqual({ text, level, id }, { text: "t", level: "WARN", id: "cq1" });
  });

  it("of a Go agent is read with the stream that its level stands for", () => {
    for (const [wire, level, stream] of [
      ["WARN", "info", "stdout"],
      ["INFO+2", "error", "stderr"],
      ["INFO", "info", "node"],
      ["INFO+1", "error", "node"],
      ["INFO+3", "warn", "node"],
      ["WARN+1", "debug", "node"],
      ["WARN+2", "debug", "node"],
      ["DEBUG", "debug", "node"],
      ["ERROR", "error", "node"],
    ] as const) {
      const record = decode({ text: "listening on 8080\n", level: wire, id: "cq1" });
      const expected = {
        time: "2026-01-02T00:00:00.000Z",
        level,
        stream,
        text: "listening on 8080",
        workload: "orders",
        namespace: "default",
        id: "cq1",
      };
      assert.deepEqual(record, expected);
    }
    assert.equal(
      decode({ text: "x", level: "DEBUG", id: "cq1" }, "$NEX.logs.default.N1.orders.cq1").workload,
      "orders",
    );
  });

  it("is from where its subject says, whatever its body claims", () => {
    const record = decode({
      text: "x",
      level: "INFO",
      stream: "stdout",
      id: "cq1",
      namespace: "victim",
      workload: "other",
    });
    assert.deepEqual([record.namespace, record.workload, record.id], ["default", "orders", "cq1"]);
  });

  it("is refused in another form, with nothing but NexErrors", () => {
    throwsCode("invalid_request", () => decode({ text: "x", level: 4, id: "i" }), /"level" must be a string/);
    throwsCode("invalid_request", () => decode({ text: "x", level: "LOUD" }), /is not a level/);
    throwsCode(
      "invalid_request",
      () => decode({ text: "x", level: "INFO" }, "$NEX.logs.system.N1.stdout"),
      /not the subject/,
    );
    fc.assert(
      fc.property(
        fc.json(),
        fc.string(),
        (body, subject) => void onlyNexErrors(() => decodeLogRecord(subject, Buffer.from(body), RECEIVED)),
      ),
    );
  });

  it("is listed by a node", () => {
    const reply = { node_id: "N1", records: [decode({ text: "x", level: "WARN", id: "cq1" })] };
    assert.deepEqual(parseMessage(logsResponseSchema, encodeMessage(reply)), reply);
  });
});
