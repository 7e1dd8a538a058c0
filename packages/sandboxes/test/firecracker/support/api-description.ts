import { readFileSync } from "node:fs";

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
}

interface Operation {
  readonly body?: { readonly schema: Schema; readonly required: boolean };
  readonly responses: readonly string[];
}

interface ApiDescription {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly definitions: Readonly<Record<string, Schema>>;
}

/** Firecracker's own description of its API. */
const description = JSON.parse(
  readFileSync(new URL("../fixtures/firecracker-api.json", import.meta.url), "utf8"),
) as ApiDescription;

/** What is wrong with a request by the description, or `undefined`. Stricter than JSON Schema: keys it does not name are wrong. */
export function faultOfRequest(method: string, path: string, body: unknown): string | undefined {
  const operation = findOperation(method, path);
  if (operation === undefined) return `${method} ${path}: no such operation`;
  if (operation.body === undefined) return body === undefined ? undefined : `${method} ${path} takes no body`;
  if (body === undefined) return operation.body.required ? `${method} ${path} needs a body` : undefined;
  return faultOf(operation.body.schema, body, `${method} ${path}`);
}

function findOperation(method: string, path: string): Operation | undefined {
  const parts = path.split("/");
  for (const [pattern, operations] of Object.entries(description.paths)) {
    const words = pattern.split("/");
    const fits = words.length === parts.length && words.every((word, i) => word === parts[i] || /^\{.+\}$/.test(word));
    if (fits) return operations[method.toLowerCase()];
  }
  return undefined;
}

function faultOf(schema: Schema, value: unknown, at: string): string | undefined {
  if (schema.$ref !== undefined) {
    const found = description.definitions[schema.$ref.replace("#/definitions/", "")];
    return found === undefined ? `${at}: the description lacks ${schema.$ref}` : faultOf(found, value, at);
  }
  if (schema.enum !== undefined && !schema.enum.includes(value))
    return `${at}: ${JSON.stringify(value)} is not one of ${schema.enum.join(", ")}`;
  switch (schema.type) {
    case "string":
      return typeof value === "string" ? undefined : `${at} is not a string`;
    case "boolean":
      return typeof value === "boolean" ? undefined : `${at} is not a boolean`;
    case "integer":
      return faultOfInteger(schema, value, at);
    case "array":
      if (!Array.isArray(value)) return `${at} is not an array`;
      return firstOf(value.map((item, i) => faultOf(schema.items ?? {}, item, `${at}[${i}]`)));
    case "object":
      return faultOfObject(schema, value, at);
    default:
      return undefined;
  }
}

function faultOfInteger({ minimum, maximum }: Schema, value: unknown, at: string): string | undefined {
  if (typeof value !== "number" || !Number.isInteger(value)) return `${at} is not an integer`;
  if (minimum !== undefined && value < minimum) return `${at}: ${value} is less than ${minimum}`;
  if (maximum !== undefined && value > maximum) return `${at}: ${value} is more than ${maximum}`;
  return undefined;
}

function faultOfObject(schema: Schema, value: unknown, at: string): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return `${at} is not an object`;
  const entries = Object.entries(value);
  const absent = schema.required?.find((key) => !(key in value));
  if (absent !== undefined) return `${at} lacks ${absent}`;
  return firstOf(
    entries.map(([key, item]) => {
      const known = schema.properties?.[key];
      if (known !== undefined) return faultOf(known, item, `${at}.${key}`);
      return schema.additionalProperties === undefined ? `${at} has an unknown ${key}` : undefined;
    }),
  );
}

function firstOf(faults: readonly (string | undefined)[]): string | undefined {
  return faults.find((fault) => fault !== undefined);
}
