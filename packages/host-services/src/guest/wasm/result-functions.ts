import { NexError } from "@nex/protocol";
import type { WasmFunctions } from "./contract.ts";
import { ErrorNumber, NumberField, TextField } from "./results.ts";
import type { WasmGuest } from "./wasm-guest.ts";

/** Bytes of one write that are copied, and on their way, at a time. */
const PIECE_BYTES = 256 * 1024;

const TEXT_FIELDS = byNumber(TextField);
const NUMBER_FIELDS = byNumber(NumberField);

/** What all services have in common: taking results, reading errors, streams and lists. */
export const resultFunctions: WasmFunctions = {
  result_size: {
    params: { field: "i32" },
    run: (guest, field: number) => guest.left(textField(field))?.length ?? ErrorNumber.not_found,
  },
  result_take: {
    params: { field: "i32", buffer: "i32", capacity: "i32" },
    run: (guest, field: number, buffer: number, capacity: number) => {
      const into = guest.view(buffer, capacity);
      const name = textField(field);
      const bytes = guest.left(name);
      if (bytes === undefined) return ErrorNumber.not_found;
      const taken = bytes.subarray(0, capacity);
      into.set(taken);
      guest.leave(name, bytes.subarray(taken.length));
      return taken.length;
    },
  },
  result_number: {
    params: { field: "i32" },
    result: "i64",
    run: (guest, field: number) => {
      const name = NUMBER_FIELDS[field];
      return BigInt((name === undefined ? undefined : guest.result[name]) ?? ErrorNumber.not_found);
    },
  },
  error_code: {
    params: { buffer: "i32", capacity: "i32" },
    run: (guest, buffer: number, capacity: number) => copyText(guest, guest.error.code, buffer, capacity),
  },
  error_message: {
    params: { buffer: "i32", capacity: "i32" },
    run: (guest, buffer: number, capacity: number) => copyText(guest, guest.error.message, buffer, capacity),
  },
  stream_read: {
    params: { stream: "i32", buffer: "i32", capacity: "i32" },
    waits: true,
    run: async (guest, stream: number, buffer: number, capacity: number) => {
      const handle = guest.handles.find(stream);
      guest.view(buffer, capacity);
      if (!("read" in handle)) throw wrongKind(stream, `a ${handle.kind} that is not read from`);
      const bytes = await handle.read(capacity);
      // Looked up anew: the memory may be another one since.
      guest.view(buffer, bytes.length).set(bytes);
      return bytes.length;
    },
  },
  stream_write: {
    params: { stream: "i32", data: "i32", length: "i32" },
    waits: true,
    run: async (guest, stream: number, data: number, length: number) => {
      const handle = guest.handles.find(stream);
      guest.view(data, length);
      if (!("write" in handle)) throw wrongKind(stream, `a ${handle.kind} that is not written to`);
      for (let offset = 0; offset < length; offset += PIECE_BYTES)
        await handle.write(Buffer.from(guest.view(data + offset, Math.min(PIECE_BYTES, length - offset))));
      return 0;
    },
  },
  stream_finish: {
    params: { stream: "i32" },
    waits: true,
    run: async (guest, stream: number) => {
      const handle = guest.handles.find(stream);
      if (!("finish" in handle)) throw wrongKind(stream, `a ${handle.kind} that is not written to`);
      try {
        return await handle.finish();
      } finally {
        guest.handles.forget(stream);
      }
    },
  },
  list_next: {
    params: { list: "i32" },
    waits: true,
    run: async (guest, list: number) => {
      const handle = guest.handles.find(list);
      if (!("next" in handle)) throw wrongKind(list, `a ${handle.kind}, not a list`);
      const record = await handle.next();
      return record === undefined ? guest.succeed() : guest.succeed(record, 1);
    },
  },
  close: {
    params: { handle: "i32" },
    run: (guest, handle: number) => {
      guest.handles.close(handle);
      return 0;
    },
  },
};

/** As much as there is room for; gives back how long it is as a whole. */
function copyText(guest: WasmGuest, text: string, buffer: number, capacity: number): number {
  const bytes = Buffer.from(text);
  guest.view(buffer, capacity).set(bytes.subarray(0, capacity));
  return bytes.length;
}

function textField(field: number): keyof typeof TextField {
  const name = TEXT_FIELDS[field];
  if (name !== undefined) return name;
  throw new NexError("invalid_request", `Results have no field ${field}.`);
}

function wrongKind(handle: number, what: string): NexError {
  return new NexError("bad_handle", `Handle ${handle} is ${what}.`);
}

function byNumber<N extends string>(fields: Readonly<Record<N, number>>): readonly (N | undefined)[] {
  const names: N[] = [];
  for (const [name, number] of Object.entries(fields) as [N, number][]) names[number] = name;
  return names;
}
