import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  deployKind,
  type DeployRequest,
  deployRequestSchema,
  objectLocation,
  readObjectLocation,
} from "../../../src/control/messages/deploy.ts";
import { encodeMessage, parseMessage } from "../../../src/control/messages/parse.ts";
import { onlyNexErrors, throwsCode } from "../../expect-nex-error.ts";

/** As the 0.2.7 CLI sends it. */
const GO_DEPLOY = `{"argv":["--port","8080"],"description":"echo service","type":"native",
 "location":{"Scheme":"nats","Opaque":"","User":null,"Host":"MYFILES","Path":"/echoservice","RawPath":"",
             "OmitHost":false,"ForceQuery":false,"RawQuery":"","Fragment":"","RawFragment":""},
 "essential":false,"workload_jwt":"eyJ0eXAi","environment":"eGt2MQ==","jsdomain":"",
 "sender_public_key":"XC","target_node":"NB","trigger_subjects":["orders.*"]}`;

const minimal = {
  type: "v8",
  location: objectLocation("B", "n"),
  workload_jwt: "j",
  environment: "e",
  sender_public_key: "X",
  target_node: "N",
};
const parse = (value: unknown): DeployRequest => parseMessage(deployRequestSchema, encodeMessage(value));

describe("deploy request", () => {
  it("is read as 0.2.7 sends it", () => {
    const request = parseMessage(deployRequestSchema, Buffer.from(GO_DEPLOY));
    assert.deepEqual(request, {
      argv: ["--port", "8080"],
      description: "echo service",
      type: "native",
      location: { Scheme: "nats", Host: "MYFILES", Path: "/echoservice" },
      essential: false,
      workload_jwt: "eyJ0eXAi",
      environment: "eGt2MQ==",
      jsdomain: "",
      sender_public_key: "XC",
      target_node: "NB",
      trigger_subjects: ["orders.*"],
    });
    assert.deepEqual(readObjectLocation(request.location), { bucket: "MYFILES", name: "echoservice" });
  });

  it("is read with lower-case location keys, and not with a location in text", () => {
    assert.deepEqual(parse({ ...minimal, location: { scheme: "nats", host: "B", path: "n" } }).location, {
      Scheme: "nats",
      Host: "B",
      Path: "n",
    });
    throwsCode("invalid_request", () => parse({ ...minimal, location: "nats://B/n" }), /"location" must be an object/);
  });

  it("comes back with all our additions", () => {
    const request = {
      ...minimal,
      location: { Scheme: "nats", Host: "B", Path: "/n" },
      kind: "javascript",
      max_in_flight: 8,
      max_waiting: 0,
      deadline_ms: 5000,
      memory_bytes: 2 ** 27,
      replicas: 2,
      tags: { zone: "a" },
      connect: ["db.example.com:5432", "[::1]:80"],
      host_service_limits: { disabled: ["kv"], kv_max_bytes: 1, object_store_max_bytes: 2, http_allow: ["a:1"] },
      allow_all_subjects: true,
      artifact: { sha256: "ab".repeat(32), size: 12 },
    };
    assert.deepEqual(parse(request), request);
  });

  it("is refused when a needed field is missing, null, or of another type", () => {
    for (const field of Object.keys(minimal)) {
      throwsCode(
        "invalid_request",
        () => parse({ ...minimal, [field]: undefined }),
        new RegExp(`"${field}" is missing`),
      );
      throwsCode("invalid_request", () => parse({ ...minimal, [field]: null }), new RegExp(`"${field}" is missing`));
      for (const wrong of [1, true, [], ["x"]])
        throwsCode("invalid_request", () => parse({ ...minimal, [field]: wrong }), new RegExp(field));
    }
  });

  it("is refused with values out of their bounds", () => {
    for (const [change, text] of [
      [{ max_in_flight: 0 }, /"max_in_flight" must be more than 0/],
      [{ deadline_ms: 2 ** 31 }, /deadline_ms.*at most/],
      [{ replicas: 1.5 }, /whole number/],
      [{ kind: "native" }, /"elf" or "javascript" or "wasm"/],
      [{ connect: ["no port"] }, /connect\.0.*destination/],
      [{ connect: ["a:b:1"] }, /destination/],
      [{ artifact: { sha256: "AB".repeat(32), size: 1 } }, /artifact\.sha256.*lower-case/],
      [{ artifact: { sha256: "ab".repeat(32), size: -1 } }, /artifact\.size/],
      [{ trigger_subjects: Array.from({ length: 257 }, () => "x") }, /at most 256 items/],
      [{ host_service_limits: { disabled: ["mail"] } }, /"kv" or "messaging" or "object_store" or "http"/],
      [{ host_service_limits: { kv_max_bytes: 0 } }, /kv_max_bytes/],
      [{ host_service_limits: { http_allow: ["x".repeat(301)] } }, /http_allow/],
      [{ argv: "--x" }, /"argv" must be a list/],
      [{ tags: { a: 1 } }, /"tags\.a" must be a string/],
      [{ retried_at: "yesterday" }, /RFC 3339/],
    ] as const) {
      throwsCode("invalid_request", () => parse({ ...minimal, ...change }), text);
    }
  });

  it("brings nothing but NexErrors with any value in any field", () => {
    const fields = fc.constantFrom(
      ...Object.keys(minimal),
      "argv",
      "tags",
      "kind",
      "artifact",
      "connect",
      "deadline_ms",
      "host_services",
    );
    fc.assert(
      fc.property(
        fields,
        fc.jsonValue(),
        (field, value) => void onlyNexErrors(() => parse({ ...minimal, [field]: value })),
      ),
    );
  });
});

describe("kind of a deploy", () => {
  it("is read in our words and 0.2.7's", () => {
    for (const [type, kind] of [
      ["native", "elf"],
      ["v8", "javascript"],
      ["wasm", "wasm"],
      ["elf", "elf"],
    ] as const) {
      assert.equal(deployKind({ type }), kind);
      assert.equal(deployKind({ type, kind }), kind);
    }
  });

  it("is one that is known, and the same in both fields", () => {
    throwsCode("unsupported_kind", () => deployKind({ type: "oci" }), /Unsupported workload type on this node: oci/);
    throwsCode("unsupported_kind", () => deployKind({ type: "constructor" }));
    throwsCode("invalid_request", () => deployKind({ type: "v8", kind: "wasm" }));
  });
});

describe("location", () => {
  it("is written with every field of Go's URL", () => {
    const keys = Object.keys(JSON.parse(GO_DEPLOY).location);
    assert.deepEqual(Object.keys(objectLocation("B", "n")), keys);
    assert.deepEqual(readObjectLocation(objectLocation("B", "dir/n")), { bucket: "B", name: "dir/n" });
  });

  it("names an object in an object store", () => {
    for (const location of [
      { Host: "", Path: "/x" },
      { Host: "B", Path: "//" },
      { Scheme: "https", Host: "example.com", Path: "/x" },
    ]) {
      throwsCode("invalid_request", () => readObjectLocation(location), /object stores/);
    }
    assert.deepEqual(readObjectLocation({ Scheme: "NATS", Host: "B", Path: "//n//" }), { bucket: "B", name: "n" });
  });
});
