import { decodeServiceAnswer, type ServiceAnswer } from "@nex/link";
import type { WasmFunctions } from "../guest/wasm/contract.ts";
import type { WasmResult } from "../guest/wasm/results.ts";
import { writeHeaderLines } from "../guest/wasm/header-lines.ts";
import type { ReadRecord } from "../guest/wasm/record-list.ts";
import { MESSAGING_CODE, MessagingMethod } from "./contract.ts";

const SUBJECT = { subject: "i32", subject_length: "i32" } as const;
const CONTENT = { headers: "i32", headers_length: "i32", payload: "i32", payload_length: "i32" } as const;

/** Messaging in the import module. */
export const messagingFunctions: WasmFunctions = {
  messaging_publish: {
    params: { ...SUBJECT, reply: "i32", reply_length: "i32", ...CONTENT },
    waits: true,
    run: async (guest, ...[at, length, reply, replyLength, headers, headersLength, payload, size]: number[]) => {
      await guest.call(MESSAGING_CODE, MessagingMethod.publish, {
        args: [guest.text("subject", at!, length!), guest.text("reply subject", reply!, replyLength!)],
        headers: guest.headers(headers!, headersLength!),
        payload: guest.payload(payload!, size!),
      });
      return guest.succeed();
    },
  },
  messaging_request: {
    params: { ...SUBJECT, ...CONTENT, timeout_ms: "i32" },
    waits: true,
    run: async (guest, ...[at, length, headers, headersLength, payload, size, timeoutMs]: number[]) => {
      const answer = await guest.call(MESSAGING_CODE, MessagingMethod.request, {
        args: [guest.text("subject", at!, length!), optional(timeoutMs!)],
        headers: guest.headers(headers!, headersLength!),
        payload: guest.payload(payload!, size!),
      });
      return guest.succeed(resultOf(answer), answer.payload.length);
    },
  },
  messaging_request_many: {
    params: { ...SUBJECT, ...CONTENT, timeout_ms: "i32", count: "i32", quiet_ms: "i32" },
    waits: true,
    run: async (guest, ...[at, length, headers, headersLength, payload, size, timeoutMs, count, quietMs]: number[]) => {
      const message = {
        args: [guest.text("subject", at!, length!), optional(timeoutMs!), optional(count!), optional(quietMs!)],
        headers: guest.headers(headers!, headersLength!),
        payload: guest.payload(payload!, size!),
      };
      return await guest.openSource(MESSAGING_CODE, MessagingMethod.requestMany, message, ({ body }, stop) =>
        guest.succeed({}, guest.keepList(body, readAnswer, stop)),
      );
    },
  },
};

/** 0 stands for what the module form leaves out. */
function optional(value: number): string {
  return value === 0 ? "" : String(value);
}

function resultOf({ args, headers, payload }: ServiceAnswer): WasmResult {
  return { body: payload, subject: args[0] ?? "", headers: writeHeaderLines(headers) };
}

/** An answer of `requestMany`, behind its length. */
const readAnswer: ReadRecord = (bytes) => {
  if (bytes.length < 4) return undefined;
  const end = 4 + bytes.readUInt32LE(0);
  return bytes.length < end ? undefined : { result: resultOf(decodeServiceAnswer(bytes.subarray(4, end))), end };
};
