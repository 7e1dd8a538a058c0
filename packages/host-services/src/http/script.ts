import { asBytes, type ScriptCall, throwText } from "../guest/script-call.ts";
import { HTTP_CODE, HttpMethod } from "./contract.ts";

/** `hostServices.http` */
export function scriptHttp(script: ScriptCall): object {
  const request =
    (method: string) =>
    (...given: unknown[]): unknown => {
      if (given.length === 0) throwText("url is required");
      const body = given[1] === undefined ? undefined : asBytes(given[1]);
      const takesBody = method === "POST" || method === "PUT" || method === "PATCH";
      const { args, headers, payload } = script.call(HTTP_CODE, HttpMethod.fetch, {
        args: [method, String(given[0]), "follow", takesBody ? "1" : ""],
        // What 0.2.7 sent.
        headers: takesBody ? [["Content-Type", "text/plain"]] : [],
        ...(takesBody && body !== undefined ? { payload: body } : {}),
      });
      return script.value({
        status: Number(args[0]),
        ...(headers.length === 0 ? {} : { headers: joined(headers) }),
        ...(payload.length === 0 ? {} : { response: payload.toString("utf8") }),
      });
    };
  return {
    get: request("GET"),
    head: request("HEAD"),
    delete: request("DELETE"),
    post: request("POST"),
    put: request("PUT"),
    patch: request("PATCH"),
  };
}

/** Names as Go writes them, several values of one name in one text. */
function joined(headers: readonly (readonly [string, string])[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of headers) {
    const canonical = name.toLowerCase().replaceAll(/(^|-)[a-z]/g, (first) => first.toUpperCase());
    found[canonical] = canonical in found ? `${found[canonical]}, ${value}` : value;
  }
  return found;
}
