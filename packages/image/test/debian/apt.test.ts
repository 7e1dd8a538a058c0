import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parsePlan } from "../../src/debian/apt.ts";
import { mergedPath, ROOTFS_PACKAGES } from "../../src/debian/packages.ts";

describe("what apt plans", () => {
  it("is read with versions and architectures", () => {
    const plan = [
      "Reading package lists...",
      "Inst libc6 (2.36-9+deb12u13 Debian:12.12/oldstable [amd64]) []",
      "Inst busybox-static (1:1.35.0-4+b1 Debian:12.12/oldstable [amd64])",
      "Inst tzdata [2024a-0] (2026f-0 Debian:12/oldstable, Debian-Security:12/oldstable-security [all])",
      "Conf libc6 (2.36-9+deb12u13 Debian:12.12/oldstable [amd64])",
    ].join("\n");
    assert.deepEqual(parsePlan(plan), [
      { name: "busybox-static", version: "1:1.35.0-4+b1", architecture: "amd64" },
      { name: "libc6", version: "2.36-9+deb12u13", architecture: "amd64" },
      { name: "tzdata", version: "2026f-0", architecture: "all" },
    ]);
  });
});

describe("what is taken from packages", () => {
  const isTaken = (name: string, path: string): boolean =>
    ROOTFS_PACKAGES.find((rule) => rule.name === name)!.keep.test(mergedPath(path));

  it("is the same whether a package has its files in /bin or /usr/bin", () => {
    for (const path of ["bin/busybox", "usr/bin/busybox"]) assert.ok(isTaken("busybox-static", path), path);
    for (const path of [
      "lib/x86_64-linux-gnu/libc.so.6",
      "usr/lib/x86_64-linux-gnu/libc.so.6",
      "lib64/ld-linux-x86-64.so.2",
    ])
      assert.ok(isTaken("libc6", path), path);
  });

  it("is not what the image has no use for", () => {
    for (const [name, path] of [
      ["libc6", "usr/lib/x86_64-linux-gnu/gconv/UTF-16.so"],
      ["libc6", "lib/x86_64-linux-gnu/libmvec.so.1"],
      ["openrc", "etc/init.d/agetty"],
      ["openrc", "usr/share/man/man8/openrc.8.gz"],
      ["util-linux", "bin/login"],
      ["tzdata", "usr/share/zoneinfo/right/Europe/Berlin"],
    ] as const)
      assert.ok(!isTaken(name, path), path);
  });
});
