import type { StreamedAnswer } from "../guest/streamed-answer.ts";
import type { WasmFunctions } from "../guest/wasm/contract.ts";
import type { WasmResult } from "../guest/wasm/results.ts";
import { lines } from "../guest/wasm/record-list.ts";
import { OBJECT_STORE_CODE, ObjectStoreMethod } from "./contract.ts";
import { readInfo } from "./guest.ts";

const NAME = { name: "i32", name_length: "i32" } as const;

/** The object store in the import module. Bodies are streams in both directions. */
export const objectStoreFunctions: WasmFunctions = {
  object_get: {
    params: NAME,
    waits: true,
    run: async (guest, pointer: number, length: number) => {
      const name = guest.text("name", pointer, length);
      const message = { args: [name] };
      return await guest.openSource(OBJECT_STORE_CODE, ObjectStoreMethod.get, message, ({ args, body }, stop) => {
        if (args[0] === undefined) return guest.absent(`The object "${name}" was not found.`);
        return guest.succeed(infoResult(args[0]), guest.keepBody(body, stop));
      });
    },
  },
  object_put: {
    params: { ...NAME, description: "i32", description_length: "i32" },
    run: (guest, name: number, length: number, description: number, descriptionLength: number) => {
      const args = [guest.text("name", name, length), guest.text("description", description, descriptionLength)];
      const finish = ({ args: [info] }: StreamedAnswer): number => guest.succeed(infoResult(info!));
      return guest.succeed(
        {},
        guest.openSink(OBJECT_STORE_CODE, ObjectStoreMethod.put, { args }, () => finish),
      );
    },
  },
  object_delete: {
    params: NAME,
    waits: true,
    run: async (guest, name: number, length: number) => {
      const args = [guest.text("name", name, length)];
      const answer = await guest.call(OBJECT_STORE_CODE, ObjectStoreMethod.delete, { args });
      return guest.succeed({}, answer.args[0] === "1" ? 1 : 0);
    },
  },
  object_info: {
    params: NAME,
    waits: true,
    run: async (guest, pointer: number, length: number) => {
      const name = guest.text("name", pointer, length);
      const { args } = await guest.call(OBJECT_STORE_CODE, ObjectStoreMethod.info, { args: [name] });
      return args[0] === undefined
        ? guest.absent(`The object "${name}" was not found.`)
        : guest.succeed(infoResult(args[0]));
    },
  },
  object_list: {
    params: {},
    waits: true,
    run: async (guest) =>
      await guest.openSource(OBJECT_STORE_CODE, ObjectStoreMethod.list, {}, ({ body }, stop) =>
        guest.succeed({}, guest.keepList(body, lines(infoResult), stop)),
      ),
  },
};

function infoResult(json: string): WasmResult {
  const { name, description = "", size, digest, modified } = readInfo(json);
  return { name, description, size, digest, modified_ms: modified.getTime() };
}
