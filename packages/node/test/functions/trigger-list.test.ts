import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isReserved, subjectMatches } from "@nex/protocol";
import { TriggerList } from "../../src/functions/trigger-list.ts";

const token = fc.constantFrom("a", "b", "c");
const subject = fc.array(token, { minLength: 1, maxLength: 3 }).map((tokens) => tokens.join("."));
const anySubject = fc.oneof(
  subject,
  subject.map((text) => `_${text}`),
  subject.map((text) => `$${text}`),
);
const pattern = fc
  .tuple(fc.array(fc.oneof(token, fc.constant("*")), { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([tokens, open]) => [...tokens, ...(open ? [">"] : [])].join("."));

test("a message counts for the first trigger that takes its subject in, whichever subscription brings it", () => {
  fc.assert(
    fc.property(fc.uniqueArray(pattern, { minLength: 1, maxLength: 4 }), pattern, anySubject, (own, other, text) => {
      const triggers = new TriggerList(own);
      const first = own.findIndex((each) => subjectMatches(each, text));
      // The server sends only what a subscription's pattern takes in; leading wildcards of ours leave out the reserved.
      for (const by of [...own, other]) {
        const isSent = subjectMatches(by, text) || (isReserved(text) && /^[*>]/.test(by));
        if (isSent) assert.equal(triggers.indexOf(by, text), first, `${own.join(" ")} by ${by}: ${text}`);
      }
    }),
  );
});
