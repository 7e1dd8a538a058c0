import { asBytes, checkCount, type ScriptCall } from "../guest/script-call.ts";
import { MESSAGING_CODE, MessagingMethod } from "./contract.ts";
import { readAnswers } from "./guest.ts";

const REQUIRED = "subject and payload are required";

/** What 0.2.7 had in mind for `requestMany`, which it never carried out, ms. */
const MANY_MS = "3000";
const QUIET_MS = "300";

/** `hostServices.messaging` */
export function scriptMessaging(script: ScriptCall): object {
  return {
    publish(...given: unknown[]): void {
      checkCount(given, 2, REQUIRED);
      script.call(MESSAGING_CODE, MessagingMethod.publish, {
        args: [String(given[0]), ""],
        payload: asBytes(given[1]),
      });
    },
    request(...given: unknown[]): Uint8Array {
      checkCount(given, 2, REQUIRED);
      const answer = script.call(MESSAGING_CODE, MessagingMethod.request, {
        args: [String(given[0]), ""],
        payload: asBytes(given[1]),
      });
      return script.bytes(answer.payload);
    },
    requestMany(...given: unknown[]): unknown {
      checkCount(given, 2, REQUIRED);
      const { payload } = script.call(MESSAGING_CODE, MessagingMethod.requestMany, {
        args: [String(given[0]), MANY_MS, "", QUIET_MS],
        payload: asBytes(given[1]),
      });
      const list = script.value([]) as Uint8Array[];
      for (const answer of readAnswers(payload)) list.push(script.bytes(answer.payload));
      return list;
    },
  };
}
