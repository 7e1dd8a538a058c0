import { asBytes, checkCount, type ScriptCall, throwText } from "../guest/script-call.ts";
import { OBJECT_STORE_CODE, ObjectStoreMethod } from "./contract.ts";

/** `hostServices.objectStore`. Takes and gives whole objects, up to what one message holds. */
export function scriptObjectStore(script: ScriptCall): object {
  return {
    get(...given: unknown[]): Uint8Array {
      checkCount(given, 1, "name is required");
      const name = String(given[0]);
      const { args, payload } = script.call(OBJECT_STORE_CODE, ObjectStoreMethod.get, { args: [name] });
      if (args.length === 0) throwText(`Error: The object "${name}" was not found. (404)`);
      return script.bytes(payload);
    },
    put(...given: unknown[]): unknown {
      checkCount(given, 2, "name and value are required");
      const { args } = script.call(OBJECT_STORE_CODE, ObjectStoreMethod.put, {
        args: [String(given[0]), ""],
        payload: asBytes(given[1]),
      });
      return script.value(legacyInfo(args[0]!));
    },
    delete(...given: unknown[]): void {
      checkCount(given, 1, "name is required");
      script.call(OBJECT_STORE_CODE, ObjectStoreMethod.delete, { args: [String(given[0])] });
    },
    list(): unknown {
      const { payload } = script.call(OBJECT_STORE_CODE, ObjectStoreMethod.list, {});
      return script.value(payload.toString("utf8").split("\n").filter(Boolean).map(legacyInfo));
    },
  };
}

/** 0.2.7 left `deleted` out where it was false. */
function legacyInfo(json: string): unknown {
  const { deleted: _, ...info } = JSON.parse(json) as Record<string, unknown>;
  return info;
}
