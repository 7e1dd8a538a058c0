import assert from "node:assert/strict";
import { test } from "node:test";
import { AllowList, isPublicAddress } from "../src/http/address-rules.ts";

const PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"];
const NOT_PUBLIC = [
  ..."0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255".split(" "),
  ..."192.0.0.1 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 255.255.255.255".split(
    " ",
  ),
  ..."240.0.0.1 :: ::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::7f00:1 64:ff9b::a00:1 100::1 fc00::1 fd00:ec2::254".split(" "),
  ..."fe80::1 fe80::1%eth0 ff02::1 2001::1 2001:db8::1 2002:7f00:1::1 3fff::1 fec0::1".split(" "),
  ..."168.63.129.16 100.100.100.200 192.0.0.192 64:ff9b::808:808 ::ffff:168.63.129.16 fe80::a9fe:a9fe".split(" "),
  ..."1.2.3 localhost 0x7f000001".split(" "),
];

test("only addresses of the public Internet are public", () => {
  assert.deepEqual(
    PUBLIC.filter((address) => !isPublicAddress(address)),
    [],
  );
  assert.deepEqual(
    NOT_PUBLIC.filter((address) => isPublicAddress(address)),
    [],
  );
});

test("an allow-list opens what is named and nothing beside it", () => {
  const list = new AllowList([
    "10.1.0.0/16",
    "127.0.0.1:8080",
    "[::1]:80",
    "fd00::/8",
    "intranet",
    "*.corp.example:443",
  ]);
  for (const [address, port] of [
    ["10.1.2.3", 80],
    ["127.0.0.1", 8080],
    ["::1", 80],
    ["fd12::1", 1],
  ] as const)
    assert.ok(list.allowsAddress(address, port), address);
  for (const [address, port] of [
    ["10.2.0.1", 80],
    ["127.0.0.1", 8081],
    ["::1", 81],
    ["fe80::1", 1],
    ["127.0.0.2", 8080],
  ] as const)
    assert.ok(!list.allowsAddress(address, port), address);
  assert.ok(list.allowsHost("INTRANET", 80) && list.allowsHost("a.corp.example", 443));
  for (const [host, port] of [
    ["corp.example", 443],
    ["a.corp.example", 80],
    ["evilcorp.example", 443],
    ["intranet.evil", 80],
  ] as const)
    assert.ok(!list.allowsHost(host, port), host);
});
