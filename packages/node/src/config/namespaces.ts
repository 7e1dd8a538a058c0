import { NexError } from "@nex/protocol";
import { z } from "zod";
import { type NamespaceCredentials, namespaceCredentialsSchema } from "../connections/namespace-credentials.ts";
import {
  type NamespaceSubjects,
  type NamespaceSubjectsOptions,
  namespaceSubjectsSchema,
  type StatedSubjects,
} from "@nex/embedded-nats";

/** A namespace in the node's config: how it logs in to a server that asks, or its subjects on the embedded server. */
export type NamespaceOptions = NamespaceCredentials | { readonly subjects: NamespaceSubjectsOptions };

export type NamespaceConfig = NamespaceCredentials | { readonly subjects: NamespaceSubjects };

type Namespaces = Readonly<Record<string, NamespaceConfig>>;

export const namespaceSchema: z.ZodType<NamespaceConfig> = z.union(
  [z.strictObject({ subjects: namespaceSubjectsSchema }), namespaceCredentialsSchema],
  {
    error: ({ input }) =>
      typeof input === "object" && input !== null && "subjects" in input
        ? "must have subjects alone: a list of subjects that do not begin with $ or _, or an object with the lists publish and subscribe"
        : "must name exactly one of: creds (a file), user and password, token, nkey (a file with the seed); or subjects, for the embedded server",
  },
);

export function statedSubjects(namespaces: Namespaces): StatedSubjects {
  const stated: Record<string, NamespaceSubjects> = {};
  for (const [namespace, entry] of Object.entries(namespaces))
    if ("subjects" in entry) stated[namespace] = entry.subjects;
  return stated;
}

/** @throws NexError `invalid_request` where subjects are stated, which only the embedded server would hold a namespace to */
export function namespaceCredentials(namespaces: Namespaces): Readonly<Record<string, NamespaceCredentials>> {
  const credentials: Record<string, NamespaceCredentials> = {};
  for (const [namespace, entry] of Object.entries(namespaces)) {
    if ("subjects" in entry) {
      throw new NexError(
        "invalid_request",
        `namespaces.${namespace}.subjects is for the embedded server only. On a server of yours the users decide what they may use: name the credentials of one for "${namespace}".`,
        { data: { field: `namespaces.${namespace}.subjects` } },
      );
    }
    credentials[namespace] = entry;
  }
  return credentials;
}
