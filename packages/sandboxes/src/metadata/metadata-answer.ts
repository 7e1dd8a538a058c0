/** The value at a path such as `/nex/link` of a document; `undefined` if there is none. */
export function valueAt(document: unknown, path: string): unknown {
  let value = document;
  for (const key of path.split("/").filter((part) => part !== "")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/**
 * The plain form of a value, as EC2's metadata service has it: a string as it is, of an object its keys, one a line,
 * those of objects with a slash. Other values have none.
 */
export function plainText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value)
    .map(([key, inner]) => (typeof inner === "object" && inner !== null ? `${key}/` : key))
    .join("\n");
}
