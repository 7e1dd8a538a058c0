import { z } from "zod";
import { fromErrorJson, NexError } from "../errors.ts";
import { encodeMessage, parseMessage } from "../control/messages/parse.ts";
import { messageObject } from "../control/messages/shape.ts";

/** Headers of an error reply, as NATS micro services (ADR-32) write them. */
export const SERVICE_ERROR_CODE_HEADER = "Nats-Service-Error-Code";
export const SERVICE_ERROR_HEADER = "Nats-Service-Error";

/** Headers are read whole into memory by every hop. */
const MAX_HEADER_LENGTH = 512;

/** What is wrong with a header value: anything that could end the line it is on. */
const CONTROL_CHARACTERS = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;

/** Header values of an error reply: the code's status, and the message on one line. */
export function serviceErrorHeaders(error: NexError): Readonly<Record<string, string>> {
  const line = error.message.replaceAll(CONTROL_CHARACTERS, " ").trim();
  return {
    [SERVICE_ERROR_CODE_HEADER]: String(error.status),
    // Cutting may halve a surrogate pair.
    [SERVICE_ERROR_HEADER]: line.slice(0, MAX_HEADER_LENGTH).toWellFormed() || error.code,
  };
}

/** Body of an error reply to a trigger. */
export interface ServiceErrorBody {
  readonly error: {
    readonly code: string;
    readonly message: string;
    /** Also on the log records of that invocation. */
    readonly invocation_id?: string;
  };
}

const bodySchema: z.ZodType<ServiceErrorBody> = messageObject({
  error: messageObject({ code: z.string(), message: z.string(), invocation_id: z.string().exactOptional() }),
});

/** Body of an error reply, as JSON bytes. `invocationId` is left out where no invocation was begun. */
export function serviceErrorBody(error: NexError, invocationId?: string): Uint8Array<ArrayBuffer> {
  const body: ServiceErrorBody = {
    error: {
      code: error.code,
      message: error.message,
      ...(invocationId === undefined ? {} : { invocation_id: invocationId }),
    },
  };
  return encodeMessage(body);
}

/**
 * The error of a reply whose headers say that it is one, to be thrown by a caller. A body of another form,
 * from a service that is not ours, leaves the header's text.
 *
 * @param status value of {@link SERVICE_ERROR_CODE_HEADER}
 * @param text value of {@link SERVICE_ERROR_HEADER}
 */
export function readServiceError(status: string, text: string, body: Uint8Array): NexError {
  try {
    const { error } = parseMessage(bodySchema, body);
    const data = error.invocation_id === undefined ? {} : { invocation_id: error.invocation_id };
    return fromErrorJson({ code: error.code, message: error.message, data });
  } catch {
    return new NexError("function_failed", text || "The service reported an error without a message.", {
      data: { status },
    });
  }
}
