import { readFileSync } from "node:fs";
import { NexError } from "@nex/protocol";
import type { Environment } from "../terminal/environment.ts";
import type { Secret } from "./connection-config.ts";
import { homeDirectory } from "./context-directory.ts";
import { reasonOf } from "./context-file.ts";

const UNSUPPORTED_SCHEME = /^(nsc|op):\/\//;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;

/**
 * The text a setting stands for. Newer contexts may hold a reference: `env://NAME`, `file://PATH` or
 * `data:;base64,…`; anything else is the text itself.
 * @param name of the setting in the user's words, such as `--creds`
 * @throws NexError `invalid_request`, `file_not_found`
 */
export function resolveText(value: string, name: string, env: Environment): string {
  return resolveReference(value, name, env) ?? value;
}

/**
 * A setting that is the path of a file, or a reference to the content itself. Paths may begin with `~` and hold
 * `$VAR`; `file://` is a path too, so that the file is read anew for each connection.
 * @param looksLikeContent tells content from a path in what a reference gave
 */
export function resolveSecret(
  value: string,
  name: string,
  env: Environment,
  looksLikeContent: (text: string) => boolean,
): Secret {
  if (value.startsWith("file://")) return { kind: "file", path: expandPath(value.slice("file://".length), name, env) };
  const text = resolveReference(value, name, env);
  if (text !== undefined && looksLikeContent(text)) return { kind: "text", text };
  return { kind: "file", path: expandPath(text ?? value, name, env) };
}

/** @throws NexError `file_not_found` */
export function readSecret(secret: Secret, name: string): string {
  if (secret.kind === "text") return secret.text;
  try {
    return readFileSync(secret.path, "utf8");
  } catch (cause) {
    throw new NexError("file_not_found", `${name}: ${secret.path} cannot be read (${reasonOf(cause)}).`, {
      cause,
      data: { file: secret.path },
    });
  }
}

function resolveReference(value: string, name: string, env: Environment): string | undefined {
  const unsupported = UNSUPPORTED_SCHEME.exec(value)?.[1];
  if (unsupported !== undefined) {
    throw new NexError(
      "invalid_request",
      `${name}: nex does not read ${unsupported}:// references. Write the value to a file that only you can read, and name the file.`,
    );
  }
  if (value.startsWith("env://")) return variable(value.slice("env://".length), name, env);
  if (value.startsWith("file://")) {
    return readSecret({ kind: "file", path: expandPath(value.slice("file://".length), name, env) }, name).trim();
  }
  if (value.startsWith("data:")) {
    const encoded = /^data:[^,]*;base64,(.*)$/s.exec(value)?.[1]?.trim();
    if (encoded === undefined || !BASE64.test(encoded)) {
      throw new NexError(
        "invalid_request",
        `${name}: the data: reference is not of the form data:;base64,… with valid base64.`,
      );
    }
    return Buffer.from(encoded, "base64").toString("utf8");
  }
  return undefined;
}

function expandPath(path: string, name: string, env: Environment): string {
  const fromHome = /^~(?=$|[/\\])/.test(path) ? homeDirectory(env) + path.slice(1) : path;
  return fromHome.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced: string | undefined, plain: string) =>
    variable(braced ?? plain, name, env),
  );
}

function variable(variableName: string, name: string, env: Environment): string {
  const value = env[variableName];
  if (value !== undefined && value !== "") return value;
  throw new NexError(
    "invalid_request",
    `${name} refers to the environment variable ${variableName}, which is not set.`,
  );
}
