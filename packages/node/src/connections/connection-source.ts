import type { NodeConnectionOptions } from "@nats-io/transport-node";
import { NexError } from "@nex/protocol";
import { namespaceInbox, storageInbox, type StorageOwner } from "@nex/embedded-nats";
import { loginOf, type NamespaceCredentials } from "./namespace-credentials.ts";
import { serverUrls } from "./node-connection.ts";

/** Where the credentials for namespaces' connections come from. */
export type ConnectionSource =
  | {
      readonly kind: "embedded";
      /** Makes the namespace's user in the embedded server. */
      readonly ensureNamespace: (namespace: string) => Promise<{ readonly user: string; readonly password: string }>;
      /** Makes the user of a workload's buckets there. */
      readonly ensureStorage: (owner: StorageOwner) => Promise<{ readonly user: string; readonly password: string }>;
    }
  | {
      readonly kind: "server";
      /** `info.auth_required` of the node's own connection. */
      readonly authRequired: boolean;
      /** By namespace, from the node's config. */
      readonly namespaces: Readonly<Record<string, NamespaceCredentials>>;
      /** Namespaces without credentials use the node's. An explicit choice: it lifts the walls between them. */
      readonly shareNodeConnection: boolean;
    };

/**
 * Options for the connection of one namespace, on the server that `node` names.
 *
 * @throws NexError `namespace_credentials_missing`, `file_not_found`, `invalid_request`, and what `ensureNamespace` throws
 */
export async function namespaceConnectionOptions(
  namespace: string,
  node: NodeConnectionOptions,
  source: ConnectionSource,
): Promise<NodeConnectionOptions> {
  const {
    user: _user,
    pass: _pass,
    token: _token,
    authenticator: _authenticator,
    inboxPrefix: _prefix,
    ...server
  } = node;
  const options: NodeConnectionOptions = {
    ...server,
    name: `nex-${namespace}`,
    inboxPrefix: namespaceInbox(namespace),
  };
  if (source.kind === "embedded") {
    const { user, password } = await source.ensureNamespace(namespace);
    return { ...options, user, pass: password };
  }
  const credentials = Object.hasOwn(source.namespaces, namespace) ? source.namespaces[namespace] : undefined;
  if (credentials !== undefined) {
    const { inbox_prefix: inboxPrefix = namespaceInbox(namespace) } = credentials;
    return { ...options, ...loginOf(namespace, credentials), inboxPrefix };
  }
  // The inbox too is the node's: its rights may not reach another.
  if (source.shareNodeConnection) return { ...node, name: `nex-${namespace}` };
  if (!source.authRequired) return options;
  throw new NexError(
    "namespace_credentials_missing",
    `The NATS server at ${serverUrls(node).join(", ")} wants credentials, and the node's config has none for namespace "${namespace}". ` +
      `Add them under namespaces.${namespace} (creds, user and password, token, or nkey), or set share_node_connection: true to let namespaces use the node's own.`,
    { data: { namespace } },
  );
}

/** Options for the connection of one workload's buckets, on the embedded server that `node` names. */
export async function storageConnectionOptions(
  owner: StorageOwner,
  node: NodeConnectionOptions,
  source: ConnectionSource & { readonly kind: "embedded" },
): Promise<NodeConnectionOptions> {
  const { user, password } = await source.ensureStorage(owner);
  const { authenticator: _authenticator, token: _token, ...server } = node;
  return { ...server, user, pass: password, name: `nex-${owner.namespace}-storage`, inboxPrefix: storageInbox(owner) };
}

/** One line for each way in which the namespaces are not kept apart. */
export function sourceWarnings(node: NodeConnectionOptions, source: ConnectionSource): string[] {
  if (source.kind === "embedded") return [];
  const where = serverUrls(node).join(", ");
  if (!source.authRequired) {
    return [
      `The NATS server at ${where} asks nobody for credentials: whoever reaches it can read and send everything and control workloads, and namespaces are not kept apart.`,
    ];
  }
  if (!source.shareNodeConnection) return [];
  return [
    "Namespaces without credentials of their own use the node's (share_node_connection): their workloads' messages go out with the node's rights, and NATS does not keep them apart.",
  ];
}
