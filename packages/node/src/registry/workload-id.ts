/** Namespace and name of a workload as one key. */
export function idOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

export function splitId(id: string): [namespace: string, name: string] {
  const at = id.indexOf("/");
  return [id.slice(0, at), id.slice(at + 1)];
}
