import { NexError } from "@nex/protocol";
import type { StreamedAnswer } from "../guest/streamed-answer.ts";
import type { WasmFunctions } from "../guest/wasm/contract.ts";
import { writeHeaderLines } from "../guest/wasm/header-lines.ts";
import type { WasmGuest } from "../guest/wasm/wasm-guest.ts";
import { HTTP_CODE, HttpMethod } from "./contract.ts";

const REQUEST = {
  method: "i32",
  method_length: "i32",
  url: "i32",
  url_length: "i32",
  headers: "i32",
  headers_length: "i32",
} as const;

/** What becomes of redirects, by the number a guest passes. */
const REDIRECT: readonly string[] = ["follow", "manual", "error"];

/** Methods whose requests have a body, if an empty one. */
const TAKES_BODY = /^(POST|PUT|PATCH)$/i;

/** HTTP in the import module. */
export const httpFunctions: WasmFunctions = {
  http_fetch: {
    params: { ...REQUEST, body: "i32", body_length: "i32", redirect: "i32" },
    waits: true,
    run: async (
      guest,
      ...[method, methodLength, url, urlLength, headers, headersLength, body, size, mode]: number[]
    ) => {
      const verb = guest.text("method", method!, methodLength!);
      const hasBody = size! > 0 || TAKES_BODY.test(verb);
      const content = guest.payload(body!, size!);
      const message = {
        args: [verb, guest.text("URL", url!, urlLength!), redirect(mode!), hasBody ? "1" : ""],
        headers: guest.headers(headers!, headersLength!),
        ...(hasBody ? { body: [content] } : {}),
      };
      return await guest.openSource(HTTP_CODE, HttpMethod.fetch, message, keepResponse(guest));
    },
  },
  http_send: {
    params: { ...REQUEST, redirect: "i32" },
    run: (guest, ...[method, methodLength, url, urlLength, headers, headersLength, mode]: number[]) => {
      const message = {
        args: [guest.text("method", method!, methodLength!), guest.text("URL", url!, urlLength!), redirect(mode!), "1"],
        headers: guest.headers(headers!, headersLength!),
      };
      const keep = keepResponse(guest);
      const body = guest.openSink(HTTP_CODE, HttpMethod.fetch, message, (stop) => (answer) => keep(answer, stop));
      return guest.succeed({}, body);
    },
  },
};

const keepResponse =
  (guest: WasmGuest) =>
  ({ args, headers, body }: StreamedAnswer, stop: () => void): number => {
    const [status, statusText = "", url = "", redirected] = args;
    return guest.succeed(
      {
        status: Number(status),
        status_text: statusText,
        url,
        redirected: redirected === "1" ? 1 : 0,
        headers: writeHeaderLines(headers),
      },
      guest.keepBody(body, stop),
    );
  };

/** @throws NexError `invalid_request` */
function redirect(mode: number): string {
  const name = REDIRECT[mode];
  if (name !== undefined) return name;
  throw new NexError("invalid_request", `${mode} is not a redirect mode: 0 follows, 1 does not, 2 fails.`);
}
