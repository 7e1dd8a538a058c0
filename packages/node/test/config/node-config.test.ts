import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ExchangeKey, type NexError, SigningKey } from "@nex/protocol";
import { completeNodeOptions, type NodeOptions } from "../../src/config/node-config.ts";

const ISSUER = SigningKey.create("account").publicKey;

/** Each key with values it must not have. */
const WRONG: Readonly<Record<string, readonly unknown[]>> = {
  nexus: ["", "a.b", "a b", 5, "x".repeat(64), "claims", "artifacts"],
  nexus_key_file: [5, {}],
  failover_after: [0, -1, "soon", "0s", {}],
  drain_timeout: [0, "0s", null],
  "jetstream.replicas": [0, 6, 1.5, "3"],
  tags: ["x", [], { a: 5 }],
  sandbox: ["docker", 5, ""],
  "limits.memory": ["much", 0, -1],
  "limits.cpus": [0, "half"],
  "limits.processes": [0, 1.5],
  share_network: ["yes"],
  "pool.size": [-1, 1.5, "1", 1001, Number.NaN],
  "pool.colour": ["red"],
  image_directory: [5],
  "firecracker.binary": ["firecracker", 5],
  "firecracker.jailer": ["./jailer"],
  "firecracker.chroot_base": ["srv", `/${"x".repeat(40)}`],
  "firecracker.cpu_template": ["t2", 5],
  "firecracker.snapshots": ["true", 1],
  "firecracker.disk_rate": ["64MiB", { bytes_per_second: 0 }, { operations_per_second: 0.5 }, { colour: "red" }],
  "firecracker.network_rate": [{ bytes_per_second: "much" }, { operations_per_second: -1 }],
  "qemu.saved_state": ["true", 1],
  "qemu.colour": ["red"],
  issuers: ["x", 5, ["x"], [ISSUER.slice(1)], [`${ISSUER.slice(0, -1)}${ISSUER.endsWith("A") ? "B" : "A"}`]],
  [`issuers.${ISSUER}`]: [[], ["a.b"], "*", 5],
  accept_legacy_claims: ["true", 1],
  deny_subjects: ["x", ["a..b"], [5], [""]],
  namespaces: [
    "x",
    { "a.b": { token: "x" } },
    { a: {} },
    { a: { token: "x", creds: "y" } },
    { a: { subjects: ["x..y"] } },
    { a: { subjects: ["$X"] } },
    { a: { subjects: ["x"], token: "x" } },
    { a: { subjects: { read: [] } } },
  ],
  share_node_connection: ["yes", 1],
  max_instances: [-1, 1.5, "5"],
  "functions.deadline_ms": [0, -1, 1.5, "5s"],
  "functions.max_in_flight": [0, "64"],
  "functions.max_waiting": [-1, "64"],
  "functions.retries": [1],
  "host_services.http.allow": ["x", ["http://a/"], ["10.0.0.0/99"], [5]],
  "host_services.http.allow_named": [["a b"]],
  "services.connect": ["db:80", ["db"], ["*:80"], ["10.0.0.1:80"], [5]],
  "services.tunnel": [[]],
  "artifacts.max_bytes": [0, -1, "", "0", "0MiB", "much", "64 potatoes", "-5MiB", {}],
  "artifacts.max_artifact_bytes": [0, "much", null],
  "artifacts.buckets": ["x", ["a.b"], ["*"], [5]],
  runtime_directory: [5],
  cache_directory: [5],
  colour: ["red"],
};

function nest(path: string, value: unknown): NodeOptions {
  const [key = "", ...rest] = path.split(".");
  return { [key]: rest.length === 0 ? value : nest(rest.join("."), value) };
}

describe("a node's config", () => {
  for (const [path, values] of Object.entries(WRONG)) {
    for (const value of values) {
      it(`refuses ${path}: ${JSON.stringify(value)?.slice(0, 40)} and names the key`, () => {
        const key = path.split(".").at(-1) ?? "";
        assert.throws(
          () => completeNodeOptions(nest(path, value)),
          (error: NexError) => {
            assert.equal(error.code, "invalid_request");
            assert.ok(error.message.includes(key), error.message);
            assert.doesNotMatch(error.message, /is not valid|Invalid/, "it says what it has to be");
            return true;
          },
        );
      });
    }
  }

  it("says what a key has to be, also where that may be one of several things", () => {
    for (const [options, message] of [
      [{ limits: { memory: "much" } }, /"limits.memory" must be a number of bytes, or a size such as 64MiB/],
      [{ host_services: { kv: { max_bytes: "x" } } }, /"host_services.kv.max_bytes" must be a number of bytes, or/],
      [{ issuers: ["foo"] }, /"issuers.0" must be a public nkey/],
      [{ issuers: { foo: ["*"] } }, /"issuers.foo" has a name that must be a public nkey/],
      [{ issuers: 5 }, /"issuers" must be a list or an object/],
      [{ namespaces: { a: { user: "u" } } }, /"namespaces.a" must name exactly one of: creds/],
      [{ namespaces: { a: { subjects: ["a b"] } } }, /"namespaces.a" must have subjects alone: a list of subjects/],
      [{ namespaces: { "a b": { token: "t" } } }, /"namespaces.a b" has a name that must be 1 to 63 letters/],
      [[], /^The node's config must be an object\.$/],
    ] as const)
      assert.throws(() => completeNodeOptions(options as NodeOptions), { code: "invalid_request", message });
  });

  it("refuses the public key of an exchange key as an issuer", () => {
    assert.throws(() => completeNodeOptions({ issuers: [ExchangeKey.create().publicKey] }), {
      code: "invalid_request",
    });
  });

  it("is complete without any", () => {
    const { runtime_directory, cache_directory, image_directory, ...config } = completeNodeOptions({});
    assert.ok([runtime_directory, cache_directory, image_directory].every((path) => path.startsWith("/")));
    assert.deepEqual(config, {
      nexus: "nexus",
      failover_after: 10_000,
      drain_timeout: 30_000,
      jetstream: { replicas: 1 },
      tags: {},
      sandbox: "auto",
      pool: { size: 1 },
      limits: { memory: 512 * 2 ** 20, processes: 128, disk: 512 * 2 ** 20 },
      share_network: false,
      firecracker: {
        chroot_base: "/srv/jailer",
        snapshots: false,
        disk_rate: { bytes_per_second: 2 ** 28, operations_per_second: 10_000 },
        network_rate: { bytes_per_second: 2 ** 27, operations_per_second: 100_000 },
      },
      qemu: { saved_state: true },
      issuers: new Map(),
      accept_legacy_claims: false,
      deny_subjects: [],
      namespaces: {},
      share_node_connection: false,
      max_instances: 0,
      functions: {
        deadline_ms: 5000,
        max_in_flight: 64,
        max_waiting: 1024,
        deadline_ms_limit: 3_600_000,
        max_waiting_limit: 65_536,
        held_bytes: { workload: 64 * 2 ** 20, namespace: 128 * 2 ** 20, node: 256 * 2 ** 20 },
      },
      services: { connect: [] },
      host_services: {
        kv: { enabled: true, bucket: "hs_${namespace}_${workload_name}_kv", max_bytes: 512 * 1024 },
        object_store: { enabled: true, bucket: "hs_${namespace}_${workload_name}_obj", max_bytes: 2 ** 28 },
        messaging: { enabled: true, request_timeout_ms: 5000 },
        http: {
          enabled: true,
          allow: [],
          allow_named: [],
          max_redirects: 10,
          max_response_bytes: 2 ** 26,
          timeout_ms: 10_000,
        },
        max_calls: 128,
      },
      artifacts: { max_bytes: 2 ** 30, max_artifact_bytes: 2 ** 28, buckets: ["NEXCLIFILES"] },
    });
  });

  it("takes sizes as text and as bytes", () => {
    const { artifacts } = completeNodeOptions({ artifacts: { max_bytes: "64MiB", max_artifact_bytes: 1000 } });
    assert.deepEqual([artifacts.max_bytes, artifacts.max_artifact_bytes], [2 ** 26, 1000]);
  });

  it("takes a list of issuers as such for all namespaces", () => {
    assert.deepEqual(completeNodeOptions({ issuers: [ISSUER] }).issuers, new Map([[ISSUER, ["*"]]]));
  });

  it("takes issuers with their namespaces", () => {
    const issuers = { [ISSUER]: ["a", "b"] };
    assert.deepEqual(completeNodeOptions({ issuers }).issuers, new Map([[ISSUER, ["a", "b"]]]));
  });

  it("takes a namespace's subjects as one list for both directions, or as two", () => {
    const { namespaces } = completeNodeOptions({
      namespaces: { a: { subjects: ["a.>"] }, b: { subjects: { publish: ["a.new"] } } },
    });
    assert.deepEqual(namespaces, {
      a: { subjects: { publish: ["a.>"], subscribe: ["a.>"] } },
      b: { subjects: { publish: ["a.new"], subscribe: [] } },
    });
  });

  it("tells no secret when it refuses", () => {
    const namespaces = { a: { user: "u", password: "geheim", wrong: true } };
    assert.throws(
      () => completeNodeOptions({ namespaces }),
      (error: NexError) => !JSON.stringify(error).includes("geheim"),
    );
  });
});
