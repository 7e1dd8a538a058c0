import assert from "node:assert/strict";
import { test } from "node:test";
import { choice, decimal, duration, flag, integer, list, pairs, size, text, textOr, words } from "../src/option.ts";

test("given and not given", () => {
  assert.equal(flag("-f, --follow", "").read([]), false);
  assert.equal(flag("-f, --follow", "").read([""]), true);
  assert.equal(text("--name <name>", "").read([]), undefined);
  assert.equal(text("--name <name>", "").read(["a", "b"]), "b");
  assert.equal(textOr("--name <name>", "", { fallback: "x" }).read([]), "x");
  assert.deepEqual(list("--tag <tag>", "").read(["a", "b"]), ["a", "b"]);
  assert.equal(duration("--deadline <time>", "", { fallback: 5 }).read([]), 5);
});

test("quantities", () => {
  assert.equal(duration("--deadline <time>", "", { fallback: undefined }).read(["1.5s"]), 1500);
  assert.equal(size("--memory <size>", "", { fallback: undefined }).read(["128MiB"]), 134_217_728);
  const replicas = integer("--replicas <n>", "", { fallback: 1, min: 1, max: 10 });
  assert.equal(replicas.read(["10"]), 10);
  for (const wrong of ["0", "11", "1.5", "1e1", "", "many"]) {
    assert.throws(() => replicas.read([wrong]), {
      code: "usage",
      message: `--replicas: "${wrong}" is not a whole number from 1 to 10.`,
    });
  }
});

test("fractions", () => {
  const cpus = decimal("--cpus <n>", "", { fallback: undefined, min: 0.01, max: 64 });
  assert.equal(cpus.read([]), undefined);
  assert.equal(cpus.read(["0.5"]), 0.5);
  for (const wrong of ["0", "65", "half", "-1", "1e1", ""]) {
    assert.throws(() => cpus.read([wrong]), {
      code: "usage",
      message: `--cpus: "${wrong}" is not a number from 0.01 to 64.`,
    });
  }
});

test("one of a few words", () => {
  const kind = choice("--type <kind>", "", ["elf", "wasm"], { fallback: undefined });
  assert.equal(kind.read(["wasm"]), "wasm");
  assert.throws(() => kind.read(["zip"]), { code: "usage", message: '--type: "zip" is not one of elf, wasm.' });
});

test("pairs: the value may hold anything", () => {
  const env = pairs("-e, --env <pair>", "");
  assert.deepEqual(
    env.read(["A=1", "B=x=y", "C=", "A=2"]),
    new Map([
      ["A", "2"],
      ["B", "x=y"],
      ["C", ""],
    ]),
  );
  for (const wrong of ["A", "=1", ""])
    assert.throws(() => env.read([wrong]), { code: "usage", message: /^--env: .* is not of the form KEY=VALUE\.$/ });
});

test("any of a few words", () => {
  const without = words("--without <service>", "", ["kv", "http"]);
  assert.deepEqual(without.read([]), []);
  assert.deepEqual(without.read(["http", "kv"]), ["http", "kv"]);
  assert.deepEqual(without.read(["http,kv"]), ["http", "kv"]);
  assert.deepEqual(words("--without <service>", "", ["object_store"]).read(["object-store"]), ["object_store"]);
  assert.throws(() => without.read(["kv", "mail"]), {
    code: "usage",
    message: '--without: "mail" is not one of kv, http.',
  });
});
