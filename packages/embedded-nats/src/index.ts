/**
 * The NATS server that a node starts for itself.
 *
 * ```ts
 * await using server = await startEmbeddedNats({ ephemeral: true });
 * console.log(server.url, server.node.user);
 * ```
 */
export { type EmbeddedNats, type EmbeddedNatsOptions, startEmbeddedNats } from "./embedded-nats.ts";
export { DENY_FILTER_SUBJECT, namespaceInbox } from "./namespace-rights.ts";
export {
  checkNamespaceSubject,
  type NamespaceSubjects,
  type NamespaceSubjectsOptions,
  namespaceSubjectsSchema,
  type StatedSubjects,
  type SubjectScope,
} from "./namespace-subjects.ts";
export { storageInbox, type StorageOwner } from "./storage-rights.ts";
