import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatSize, formatUptime, parseDuration, parseSize } from "../../src/workloads/quantities.ts";
import { onlyNexErrors, throwsCode } from "../expect-nex-error.ts";

describe("durations", () => {
  it("are a number and a unit", () => {
    for (const [text, milliseconds] of [
      ["250ms", 250],
      ["5s", 5000],
      ["1.5m", 90_000],
      [" 2h ", 7_200_000],
      ["0s", 0],
    ] as const) {
      assert.equal(parseDuration(text), milliseconds);
    }
    for (const text of ["", "5", "s", "-5s", "5 s", "1e3s", "5d", `${"9".repeat(400)}h`]) {
      throwsCode("invalid_request", () => parseDuration(text), /not a duration/);
    }
  });
});

describe("sizes", () => {
  it("are a number, with or without a unit", () => {
    for (const [text, bytes] of [
      ["4096", 4096],
      ["64KiB", 65_536],
      ["128MiB", 2 ** 27],
      ["1GB", 1e9],
      ["1.5 kB", 1500],
      ["2G", 2 ** 31],
    ] as const) {
      assert.equal(parseSize(text), bytes);
    }
    for (const text of ["", "x", "-1", "1TiB", "1 0", "9".repeat(400)])
      throwsCode("invalid_request", () => parseSize(text), /not a size/);
  });

  it("are written for people, never with 1024 of a unit", () => {
    for (const [bytes, text] of [
      [0, "0 B"],
      [1536, "1.5 KiB"],
      [2 ** 24, "16 MiB"],
      [2 ** 20 - 1, "1 MiB"],
    ] as const)
      assert.equal(formatSize(bytes), text);
    fc.assert(fc.property(fc.nat(), (bytes) => assert.ok(Number.parseFloat(formatSize(bytes)) < 1024)));
  });

  it("and durations bring nothing but NexErrors", () => {
    fc.assert(
      fc.property(
        fc.string(),
        (text) => void [onlyNexErrors(() => parseSize(text)), onlyNexErrors(() => parseDuration(text))],
      ),
    );
  });
});

describe("uptimes", () => {
  it("are written as 0.2.7 does", () => {
    for (const [seconds, text] of [
      [0, "0s"],
      [45, "45s"],
      [182, "3m2s"],
      [3609, "1h0m9s"],
      [176_400, "2d1h0m0s"],
      [31_536_000, "1y0d0h0m0s"],
      [-5, "0s"],
    ] as const) {
      assert.equal(formatUptime(seconds * 1000 + 999 * Math.sign(seconds)), text);
    }
  });
});
