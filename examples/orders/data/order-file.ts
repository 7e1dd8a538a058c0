import { readFileSync } from "node:fs";

export const ORDER_FILE: URL = new URL("orders.jsonl", import.meta.url);

/** A message of the order file, ready to be sent. */
export interface OrderMessage {
  readonly subject: string;
  readonly payload: string;
}

/**
 * Reads `orders.jsonl`. Each line is `{"subject", "payload"}`; a payload that is a string stands for a message that
 * is no document and is sent as it is.
 */
export function readOrderFile(): OrderMessage[] {
  const lines = readFileSync(ORDER_FILE, "utf8").trimEnd().split("\n");
  return lines.map((line) => {
    const { subject, payload } = JSON.parse(line) as { subject: string; payload: unknown };
    return { subject, payload: typeof payload === "string" ? payload : JSON.stringify(payload) };
  });
}
