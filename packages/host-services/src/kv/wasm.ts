import type { WasmFunctions } from "../guest/wasm/contract.ts";
import { lines } from "../guest/wasm/record-list.ts";
import type { WasmGuest } from "../guest/wasm/wasm-guest.ts";
import { KV_CODE, KvMethod } from "./contract.ts";

const KEY = { key: "i32", key_length: "i32" } as const;
const KEY_AND_VALUE = { ...KEY, value: "i32", value_length: "i32" } as const;

/** Writes a key; what follows key and value is the method's own option. */
const write =
  (method: number, option: (given: bigint) => string) =>
  async (
    guest: WasmGuest,
    key: number,
    keyLength: number,
    value: number,
    valueLength: number,
    given: bigint,
  ): Promise<number> => {
    const { args } = await guest.call(KV_CODE, method, {
      args: [guest.text("key", key, keyLength), option(given)],
      payload: guest.payload(value, valueLength),
    });
    return guest.succeed({ revision: Number(args[0]) });
  };

const timeToLive = (ms: bigint): string => (ms === 0n ? "" : String(ms));

/** Key-value in the import module. */
export const kvFunctions: WasmFunctions = {
  kv_get: {
    params: KEY,
    waits: true,
    run: async (guest, pointer: number, length: number) => {
      const key = guest.text("key", pointer, length);
      const { args, payload } = await guest.call(KV_CODE, KvMethod.get, { args: [key] });
      if (args.length === 0) return guest.absent(`The key "${key}" was not found.`);
      return guest.succeed({ body: payload, revision: Number(args[0]) }, payload.length);
    },
  },
  kv_put: { params: { ...KEY_AND_VALUE, ttl_ms: "i64" }, waits: true, run: write(KvMethod.put, timeToLive) },
  kv_create: { params: { ...KEY_AND_VALUE, ttl_ms: "i64" }, waits: true, run: write(KvMethod.create, timeToLive) },
  kv_update: { params: { ...KEY_AND_VALUE, revision: "i64" }, waits: true, run: write(KvMethod.update, String) },
  kv_delete: {
    params: KEY,
    waits: true,
    run: async (guest, key: number, length: number) => {
      await guest.call(KV_CODE, KvMethod.delete, { args: [guest.text("key", key, length)] });
      return guest.succeed();
    },
  },
  kv_keys: {
    params: { prefix: "i32", prefix_length: "i32" },
    waits: true,
    run: async (guest, prefix: number, length: number) => {
      const message = { args: [guest.text("prefix", prefix, length)] };
      return await guest.openSource(KV_CODE, KvMethod.keys, message, ({ body }, stop) => {
        const list = guest.keepList(
          body,
          lines((key) => ({ body: key })),
          stop,
        );
        return guest.succeed({}, list);
      });
    },
  },
};
