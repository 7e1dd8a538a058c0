import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  createEvent,
  decodeEvent,
  encodeEvent,
  EVENT_TYPES,
  recentEventsResponseSchema,
} from "../../src/feeds/events.ts";
import { encodeMessage, parseMessage } from "../../src/control/messages/parse.ts";
import { eventSubject, parseEventSubject } from "../../src/feeds/subjects.ts";
import { onlyNexErrors, throwsCode } from "../expect-nex-error.ts";

describe("event", () => {
  it("is a CloudEvent that comes back as it went", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...EVENT_TYPES),
        fc.dictionary(fc.stringMatching(/^[a-z_]+$/), fc.integer()),
        (type, data) => {
          const event = createEvent(type, "N1", "default", { ...data });
          assert.deepEqual(decodeEvent(encodeEvent(event)), event);
          const { specversion, source, datacontenttype, namespace } = event;
          assert.deepEqual(
            [specversion, source, datacontenttype, namespace],
            ["1.0", "N1", "application/json", "default"],
          );
          assert.match(event.id, /^[0-9a-f-]{36}$/);
          assert.deepEqual(parseEventSubject(eventSubject("default", type)), { namespace: "default", type });
        },
      ),
    );
  });

  it("of 0.2.7 is read too", () => {
    const text =
      '{"specversion":"1.0","id":"u","source":"N-i","type":"agent_started","datacontenttype":"application/json","time":"2026-01-02T03:04:05.123456789Z","data":{"code":0}}';
    assert.deepEqual(decodeEvent(Buffer.from(text)), JSON.parse(text));
  });

  it("is refused in another form, with nothing but NexErrors", () => {
    throwsCode(
      "invalid_request",
      () => decodeEvent(Buffer.from('{"specversion":"0.3","id":"u","source":"s","type":"t"}')),
      /specversion.*"1\.0"/,
    );
    fc.assert(fc.property(fc.json(), (text) => void onlyNexErrors(() => decodeEvent(Buffer.from(text)))));
  });

  it("is listed by a node", () => {
    const reply = { node_id: "N1", events: [createEvent("heartbeat", "N1", "system", {})] };
    assert.deepEqual(parseMessage(recentEventsResponseSchema, encodeMessage(reply)), reply);
  });
});
