import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { z } from "zod";
import { encodeMessage, parseJson, parseMessage } from "../../../src/control/messages/parse.ts";
import { listOf, messageObject, stringMap } from "../../../src/control/messages/shape.ts";
import { onlyNexErrors, throwsCode } from "../../expect-nex-error.ts";

const schema = messageObject({
  name: z.string(),
  Count: z.int().min(1).max(9).exactOptional(),
  list: listOf(z.string(), 3).exactOptional(),
  map: stringMap(3).exactOptional(),
  kind: z.enum(["a", "b"]).exactOptional(),
  inner: messageObject({ Path: z.string() }).exactOptional(),
});
const parse = (text: string): unknown => parseMessage(schema, Buffer.from(text));

describe("a message", () => {
  it("is read whatever the case of its keys, as Go does", () => {
    assert.deepEqual(parse('{"NAME":"x","count":2,"Inner":{"path":"/p"},"unknown":1}'), {
      name: "x",
      Count: 2,
      inner: { Path: "/p" },
    });
    assert.deepEqual(parse('{"name":"x","Name":"y","NAME":null}'), { name: "y" });
  });

  it("takes null for absent", () => {
    assert.deepEqual(parse('{"name":"x","count":null,"list":null,"inner":null,"map":null}'), { name: "x" });
    throwsCode("invalid_request", () => parse('{"name":null}'), /^The field "name" is missing\.$/);
    throwsCode("invalid_request", () => parse("null"), /"name" is missing/);
  });

  it("is refused with the field and what it must be", () => {
    for (const [text, message] of [
      ["{}", 'The field "name" is missing.'],
      ['{"name":1}', 'The field "name" must be a string.'],
      ['{"name":{}}', 'The field "name" must be a string.'],
      ['{"Name":1}', 'The field "name" must be a string.'],
      ['{"name":"x","count":"2"}', 'The field "Count" must be a number.'],
      ['{"name":"x","count":1.5}', 'The field "Count" must be a whole number.'],
      ['{"name":"x","count":0}', 'The field "Count" must be at least 1.'],
      ['{"name":"x","count":10}', 'The field "Count" must be at most 9.'],
      ['{"name":"x","list":{}}', 'The field "list" must be a list.'],
      ['{"name":"x","list":["a",1]}', 'The field "list.1" must be a string.'],
      ['{"name":"x","list":[null]}', 'The field "list.0" must be a string.'],
      ['{"name":"x","list":["a","a","a","a"]}', 'The field "list" must have at most 3 items.'],
      ['{"name":"x","map":[]}', 'The field "map" must be an object.'],
      ['{"name":"x","map":{"a":1}}', 'The field "map.a" must be a string.'],
      ['{"name":"x","map":{"a":"","b":"","c":"","d":""}}', 'The field "map" must have at most 3 items.'],
      ['{"name":"x","kind":"c"}', 'The field "kind" must be "a" or "b".'],
      ['{"name":"x","inner":{}}', 'The field "inner.Path" is missing.'],
      ['{"name":"x","inner":7}', 'The field "inner" must be an object.'],
      [
        '{"name":1,"kind":2,"list":3}',
        'The field "name" must be a string. The field "list" must be a list. The field "kind" must be "a" or "b".',
      ],
      [
        '{"name":1,"kind":2,"list":3,"map":4,"inner":5}',
        'The field "name" must be a string. The field "list" must be a list. The field "map" must be an object (and 2 more faults).',
      ],
      ["[]", "The message must be an object."],
      ['"x"', "The message must be an object."],
      ["7", "The message must be an object."],
      ["", "The message is empty; send JSON."],
      ['{"name":', "The message is not JSON."],
    ] as const) {
      assert.throws(() => parse(text), { name: "NexError", code: "invalid_request", message }, text);
    }
  });

  it("never shows a value in an error", () => {
    for (const text of ['{"name":["hunter2"]}', '{"name":"x","kind":"hunter2"}', "hunter2", '{"name":"hunter2']) {
      assert.throws(
        () => parse(text),
        (error: Error) => !`${error.message}${JSON.stringify(error)}`.includes("hunter2"),
      );
    }
  });

  it("is refused when it is too long, before anything else is done", () => {
    throwsCode("too_large", () => parseMessage(schema, Buffer.alloc(11), { maxBytes: 10 }), /11 bytes; at most 10/);
    throwsCode("too_large", () => parse(`{"name":"${"x".repeat(1024 * 1024)}"}`));
    assert.deepEqual(parseMessage(schema, Buffer.from('{"name":"x"}'), { maxBytes: 12 }), { name: "x" });
  });

  it("is refused when it nests too deep, told from its bytes alone", () => {
    const nested = (depth: number): Buffer => Buffer.from("[".repeat(depth) + "]".repeat(depth));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), (depth, maxDepth) => {
        const accepted = onlyNexErrors(() => parseJson(nested(depth), { maxDepth }));
        assert.equal(accepted, depth <= maxDepth);
      }),
    );
    throwsCode("invalid_request", () => parse('{"name":'.repeat(100_000)), /more than 32 deep/);
    throwsCode("invalid_request", () => parseMessage(schema, Buffer.from("[".repeat(1_000_000))), /deep/);
  });

  it("does not count brackets inside texts, nor is it led astray by escapes", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("[", "{", "}", "]", '"', "\\", "é", "x") }), (text) => {
        const bytes = encodeMessage({ name: text });
        assert.deepEqual(parseMessage(schema, bytes, { maxDepth: 1 }), { name: text });
      }),
    );
  });

  it("is refused when it is not UTF-8 or begins with a byte order mark", () => {
    throwsCode("invalid_request", () => parseMessage(schema, Buffer.from([0x22, 0xff, 0x22])), /UTF-8/);
    throwsCode("invalid_request", () => parse('\ufeff{"name":"x"}'), /not JSON/);
  });

  it("cannot change what objects are", () => {
    const parsed = parse(
      '{"__proto__":{"kind":"a","polluted":1},"constructor":{"prototype":{"polluted":1}},"name":"x","map":{"__proto__":"y","a":"b"}}',
    ) as object;
    assert.equal(Object.getPrototypeOf(parsed), Object.prototype);
    assert.deepEqual(parsed, { name: "x", map: { a: "b" } });
    assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
    throwsCode("invalid_request", () => parse('{"__proto__":{"name":"x"}}'), /"name" is missing/);
  });

  it("with a megabyte of faults is refused without counting each", () => {
    const many = JSON.stringify({ name: "x", list: Array.from({ length: 400_000 }, () => 1) });
    assert.throws(() => parse(many), { message: 'The field "list" must have at most 3 items.' });
    const keys = JSON.stringify({
      name: "x",
      map: Object.fromEntries(Array.from({ length: 80_000 }, (_, i) => [`k${i}`, 1])),
    });
    assert.throws(() => parse(keys), { message: 'The field "map" must have at most 3 items.' });
  });

  it("of any kind brings nothing but NexErrors", () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void onlyNexErrors(() => parseMessage(schema, bytes))));
    fc.assert(fc.property(fc.json(), (text) => void onlyNexErrors(() => parse(text))));
    const keys = fc.constantFrom("name", "NAME", "Count", "list", "map", "kind", "inner", "__proto__", "toString");
    fc.assert(
      fc.property(
        fc.dictionary(keys, fc.jsonValue()),
        (value) => void onlyNexErrors(() => parse(JSON.stringify(value))),
      ),
    );
  });
});
