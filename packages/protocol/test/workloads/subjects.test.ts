import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  captures,
  checkTrigger,
  DENIED_SUBJECTS,
  isLiteralSubject,
  isReserved,
  isSubjectPattern,
  subjectCovers,
  subjectMatches,
  subjectsOverlap,
} from "../../src/workloads/subjects.ts";
import { onlyNexErrors, throwsCode } from "../expect-nex-error.ts";

const MAX_TOKENS = 4;

/** Every subject of up to four of two tokens: enough to tell apart any two patterns of up to three. */
const ALL_SUBJECTS: readonly string[] = Array.from({ length: MAX_TOKENS }, (_, index) => subjectsOf(index + 1)).flat();

function subjectsOf(tokens: number): string[] {
  return tokens === 1 ? ["a", "b"] : subjectsOf(tokens - 1).flatMap((start) => [`${start}.a`, `${start}.b`]);
}

/** A pattern as the regular expression it stands for: a second, independent way to match. */
function asRegExp(pattern: string): RegExp {
  const source = pattern.split(".").map((token) => (token === "*" ? "[^.]+" : token === ">" ? ".+" : token));
  return new RegExp(`^${source.join("\\.")}$`);
}

const token = fc.constantFrom("a", "b", "*");
const patterns = fc
  .tuple(fc.array(token, { maxLength: 3 }), fc.boolean())
  .map(([tokens, open]) => (open ? [...tokens.slice(0, 2), ">"] : tokens).join("."))
  .filter((pattern) => pattern !== "");

describe("subject patterns", () => {
  it("match as a regular expression of the same meaning does", () => {
    fc.assert(
      fc.property(patterns, (pattern) => {
        for (const subject of ALL_SUBJECTS)
          assert.equal(subjectMatches(pattern, subject), asRegExp(pattern).test(subject), `${pattern} ${subject}`);
      }),
    );
  });

  it("overlap exactly if some subject is matched by both", () => {
    fc.assert(
      fc.property(patterns, patterns, (left, right) => {
        const common = ALL_SUBJECTS.some((subject) => asRegExp(left).test(subject) && asRegExp(right).test(subject));
        assert.equal(subjectsOverlap(left, right), common, `${left} ${right}`);
        assert.equal(subjectsOverlap(right, left), common);
      }),
      { numRuns: 1000 },
    );
  });

  it("capture what their wildcards stand for", () => {
    fc.assert(
      fc.property(patterns, fc.constantFrom(...ALL_SUBJECTS), (pattern, subject) => {
        fc.pre(subjectMatches(pattern, subject));
        const found = captures(pattern, subject);
        const rebuilt = pattern.split(".").map((part) => (part === "*" || part === ">" ? found.shift() : part));
        assert.equal(rebuilt.join("."), subject);
      }),
    );
    assert.deepEqual(captures("orders.*.>", "orders.de.new.big"), ["de", "new.big"]);
  });

  it("cover one another when every subject of the one is of the other", () => {
    fc.assert(
      fc.property(patterns, patterns, (whole, part) => {
        const inside = ALL_SUBJECTS.filter((subject) => subjectMatches(part, subject));
        const all = inside.every((subject) => subjectMatches(whole, subject));
        assert.equal(subjectCovers(whole, part), all, `${whole} ${part}`);
      }),
    );
    assert.equal(subjectCovers("orders.>", "orders"), false);
    assert.equal(subjectCovers("orders.*", "orders.>"), false);
  });

  it("with a leading wildcard never take in the subjects of the server and its clients", () => {
    for (const subject of ["$SYS.x", "_INBOX.x", "$JS.API.INFO"]) {
      assert.ok(isReserved(subject));
      for (const pattern of [">", "*.>", "*.x", "*.*"]) assert.equal(subjectMatches(pattern, subject), false);
    }
    assert.ok(subjectMatches("$SYS.>", "$SYS.x"));
  });

  it("are valid exactly as NATS takes them", () => {
    for (const good of ["a", "a.b", "*", ">", "a.*.>", "$X.y", "a*", "é.ü", "x".repeat(1024)])
      assert.ok(isSubjectPattern(good), good);
    for (const bad of [
      "",
      ".",
      "a.",
      ".a",
      "a..b",
      "a.>.b",
      "a b",
      "a\tb",
      "a\r\nb",
      "a\0",
      "\ud800",
      "x".repeat(1025),
    ]) {
      assert.equal(isSubjectPattern(bad), false, JSON.stringify(bad));
    }
    assert.ok(isLiteralSubject("a.b*"));
    for (const pattern of ["*", "a.*", "a.>", ""]) assert.equal(isLiteralSubject(pattern), false);
  });
});

describe("triggers", () => {
  it("are admitted, also with a leading wildcard", () => {
    for (const subject of ["orders.*", "*.new", "*.>", "a.$SYS", "KV.x", "*"])
      assert.equal(checkTrigger(subject), subject);
    assert.equal(checkTrigger(">", { allowEverything: true }), ">");
  });

  it("are refused when invalid, or everything without being asked for", () => {
    for (const subject of ["", "a..b", "a b", "a.>.b"]) throwsCode("invalid_subject", () => checkTrigger(subject));
    throwsCode("invalid_subject", () => checkTrigger(">"), /--allow-all-subjects/);
  });

  it("are refused on what the node denies", () => {
    for (const denied of DENIED_SUBJECTS) {
      throwsCode("subject_denied", () => checkTrigger(denied));
      throwsCode("subject_denied", () => checkTrigger(denied.replace(">", "x.y")));
      throwsCode("subject_denied", () => checkTrigger(denied.replace(">", "*")));
    }
    throwsCode("subject_denied", () => checkTrigger("secret.*", { denied: ["secret.plans"] }));
    throwsCode("subject_denied", () => checkTrigger("*.plans", { denied: ["secret.plans"] }));
  });

  it("bring nothing but NexErrors", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void onlyNexErrors(() => checkTrigger(text))));
  });
});
