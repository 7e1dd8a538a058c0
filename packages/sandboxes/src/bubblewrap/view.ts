import { existsSync } from "node:fs";
import { SETPRIV } from "../setpriv.ts";
import { librariesOf } from "./libraries.ts";

/** One file or directory of the machine that a sandbox may read. */
export interface Shown {
  readonly from: string;
  readonly at: string;
}

/** Where programs look for certificate authorities first, and where systems keep them. */
const AUTHORITIES_AT = "/etc/ssl/certs/ca-certificates.crt";
const AUTHORITIES = [AUTHORITIES_AT, "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"];

const ZONES = "/usr/share/zoneinfo";

const views: Map<string, Promise<readonly Shown[]>> = new Map();

/** Everything of this machine that is in a sandbox whose agent runs by `node`, beside the three programs. */
export async function viewFor(node: string): Promise<readonly Shown[]> {
  let view = views.get(node);
  if (view === undefined) {
    view = makeView(node);
    views.set(node, view);
  }
  return await view;
}

async function makeView(node: string): Promise<readonly Shown[]> {
  const tools = SETPRIV === undefined ? [] : [SETPRIV];
  const libraries = await Promise.all([node, ...tools].map(librariesOf));
  const same = [...new Set([...libraries.flat(), ...tools, ...[ZONES].filter(existsSync)])];
  const authorities = AUTHORITIES.find((path) => existsSync(path));
  return [
    ...same.map((path) => ({ from: path, at: path })),
    ...(authorities === undefined ? [] : [{ from: authorities, at: AUTHORITIES_AT }]),
  ];
}
