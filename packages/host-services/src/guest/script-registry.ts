import { scriptHttp } from "../http/script.ts";
import { scriptKeyValue } from "../kv/script.ts";
import { scriptMessaging } from "../messaging/script.ts";
import { scriptObjectStore } from "../object-store/script.ts";
import type { BlockingClient } from "./blocking-client.ts";
import { ScriptCall, type ScriptRealm } from "./script-call.ts";

/** `hostServices` of the script form: 0.2.7's names, arguments, results and thrown texts. */
export function scriptServices(client: BlockingClient, realm: ScriptRealm): Readonly<Record<string, object>> {
  const call = new ScriptCall(client, realm);
  return {
    http: scriptHttp(call),
    kv: scriptKeyValue(call),
    messaging: scriptMessaging(call),
    objectStore: scriptObjectStore(call),
  };
}
