import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hostServicesSchema, type HostServicesConfig, narrowHostServices } from "@nex/host-services/host";
import type { HostServiceLimits } from "@nex/protocol";
import { HttpReach } from "../src/http/reach.ts";

const NODE = hostServicesSchema.parse({
  messaging: { enabled: false },
  http: { allow: ["intranet", "10.1.0.0/16"], allow_named: ["db.internal:8080", "10.2.0.0/16", "127.0.0.1:9000"] },
});

function narrowed(limits: HostServiceLimits): HostServicesConfig {
  return narrowHostServices(NODE, limits);
}

describe("A deploy that asks for less than its node gives", () => {
  it("is without the services it names", () => {
    const { kv, object_store, messaging, http } = narrowed({ disabled: ["kv", "http"] });
    assert.deepEqual(
      [kv, object_store, messaging, http].map(({ enabled }) => enabled),
      [false, true, false, false],
    );
  });

  it("does not get a service by not naming it", () => {
    assert.equal(narrowed({ disabled: [] }).messaging.enabled, false);
  });

  it("gets smaller buckets", () => {
    const { kv, object_store } = narrowed({ kv_max_bytes: 1024, object_store_max_bytes: 4096 });
    assert.deepEqual([kv.max_bytes, object_store.max_bytes], [1024, 4096]);
    assert.equal(kv.bucket, NODE.kv.bucket);
  });

  it("has everything else as the node gives it", () => {
    assert.deepEqual(narrowed({}), NODE);
  });
});

describe("A deploy that asks for more is refused:", () => {
  const CASES: readonly (readonly [what: string, limits: HostServiceLimits, code: string, message: RegExp])[] = [
    [
      "a larger bucket",
      { kv_max_bytes: 512 * 1024 + 1 },
      "unsupported_limit",
      /at most 512 KiB.*host_services\.kv\.max_bytes/,
    ],
    [
      "a larger store",
      { object_store_max_bytes: 2 ** 40 },
      "unsupported_limit",
      /host_services\.object_store\.max_bytes/,
    ],
    ["hosts without http", { disabled: ["http"], http_allow: ["a"] }, "service_disabled", /--allow-http.*"http"/],
    ["an address that is not open", { http_allow: ["10.9.0.1"] }, "http_denied", /10\.9\.0\.1.*allow_named/],
    ["a port of it that is not open", { http_allow: ["127.0.0.1:9001"] }, "http_denied", /127\.0\.0\.1:9001/],
    ["all its ports", { http_allow: ["127.0.0.1"] }, "http_denied", /127\.0\.0\.1/],
    ["a block that is not open", { http_allow: ["192.168.0.0/24"] }, "http_denied", /192\.168\.0\.0\/24/],
    ["the metadata service", { http_allow: ["169.254.169.254:80"] }, "http_denied", /169\.254/],
    ["this machine by name", { http_allow: ["LOCALHOST:80"] }, "http_denied", /LOCALHOST/],
    ["this machine in IPv6", { http_allow: ["[::1]:80"] }, "http_denied", /::1/],
    ["what is no host", { http_allow: ["http://a/"] }, "invalid_request", /is not a host/],
    ["what is no block", { http_allow: ["10.0.0.0/99"] }, "invalid_request", /is not a host/],
  ];
  for (const [what, limits, code, message] of CASES) {
    it(what, () => {
      assert.throws(() => narrowed(limits), { code, message });
    });
  }
});

describe("The hosts that a deploy names", () => {
  const reach = (...http_allow: string[]): HttpReach => new HttpReach(narrowed({ http_allow }).http);

  it("are the only ones it reaches", () => {
    const named = reach("api.example.com:443", "*.cdn.example");
    assert.ok(named.allows("api.example.com", "93.184.216.34", 443));
    assert.ok(named.allows("a.cdn.example", "93.184.216.34", 80));
    assert.ok(!named.allows("api.example.com", "93.184.216.34", 80));
    assert.ok(!named.allows("other.example.com", "93.184.216.34", 443));
    assert.ok(!named.allows("intranet", "10.1.0.1", 80), "open to others, not named by this one");
  });

  it("are reached at addresses that are not public only where the node opens them", () => {
    assert.ok(reach("db.internal:8080").allows("db.internal", "172.16.0.1", 8080));
    assert.ok(reach("my.example").allows("my.example", "10.2.3.4", 80), "in a block that is open to who names it");
    assert.ok(reach("my.example").allows("my.example", "10.1.3.4", 80), "in a block that is open to all");
    assert.ok(!reach("my.example").allows("my.example", "10.3.0.1", 80));
    assert.ok(!reach("my.example").allows("my.example", "169.254.169.254", 80));
    assert.ok(
      !reach("10.2.0.0/15").allows("my.example", "10.3.0.1", 80),
      "a block wider than the node's opens no more",
    );
  });

  it("open nothing to a workload that names none", () => {
    const unnamed = new HttpReach(NODE.http);
    assert.ok(!unnamed.allows("db.internal", "172.16.0.1", 8080));
    assert.ok(unnamed.allows("intranet", "172.16.0.1", 80));
    assert.ok(unnamed.allows("api.example.com", "93.184.216.34", 443));
  });

  it("are looked up, and no others, where all of them are names", () => {
    assert.ok(reach("api.example.com").rulesOut("secret.attacker.example", 80));
    assert.ok(!reach("api.example.com").rulesOut("api.example.com", 80));
    assert.ok(!reach("api.example.com", "10.1.0.0/16").rulesOut("host.in.block", 80));
    assert.ok(!new HttpReach(NODE.http).rulesOut("anything.example", 80));
  });
});
