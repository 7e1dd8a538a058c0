import { asBytes, checkCount, type ScriptCall, throwText } from "../guest/script-call.ts";
import { KV_CODE, KvMethod } from "./contract.ts";
import { readLines } from "./guest.ts";

/** `hostServices.kv` */
export function scriptKeyValue(script: ScriptCall): object {
  return {
    get(...given: unknown[]): Uint8Array {
      checkCount(given, 1, "key is required");
      const key = String(given[0]);
      const { args, payload } = script.call(KV_CODE, KvMethod.get, { args: [key] });
      if (args.length === 0) throwText(`Error: The key "${key}" was not found. (404)`);
      return script.bytes(payload);
    },
    set(...given: unknown[]): void {
      checkCount(given, 2, "key and value are required");
      script.call(KV_CODE, KvMethod.put, { args: [String(given[0]), ""], payload: asBytes(given[1]) });
    },
    delete(...given: unknown[]): void {
      checkCount(given, 1, "key is required");
      script.call(KV_CODE, KvMethod.delete, { args: [String(given[0])] });
    },
    keys(): unknown {
      return script.value(readLines(script.call(KV_CODE, KvMethod.keys, { args: [""] }).payload));
    },
  };
}
