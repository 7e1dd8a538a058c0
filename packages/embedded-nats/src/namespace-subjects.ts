import { isReserved, isSubjectPattern, NexError, subjectCovers } from "@nex/protocol";
import { z } from "zod";

/** Patterns of the subjects that a namespace's workloads may use. */
export interface NamespaceSubjects {
  /** Where they may send. */
  readonly publish: readonly string[];
  /** What may trigger them. */
  readonly subscribe: readonly string[];
}

/** As the operator writes it: one list for both directions, or one for each. */
export type NamespaceSubjectsOptions =
  | readonly string[]
  | { readonly publish?: readonly string[]; readonly subscribe?: readonly string[] };

/** Has all ordinary subjects that belong to no other namespace, so that a server with one namespace needs no list. */
const DEFAULT_NAMESPACE = "default";

const patterns = z.array(
  z.string().refine((text) => isSubjectPattern(text) && !isReserved(text), {
    error: "must be a subject or a pattern that does not begin with $ or _",
  }),
);

export const namespaceSubjectsSchema: z.ZodType<NamespaceSubjects> = z.union(
  [
    patterns.transform((both) => ({ publish: both, subscribe: both })),
    z.strictObject({ publish: patterns.default([]), subscribe: patterns.default([]) }),
  ],
  { error: "must be a list of subjects, or an object with the lists publish and subscribe" },
);

/** By namespace, what the operator states. */
export type StatedSubjects = Readonly<Record<string, NamespaceSubjects>>;

/** A namespace's subjects: either all of a list, or all ordinary ones but those of a list. */
export type SubjectScope = { readonly only: NamespaceSubjects } | { readonly allBut: NamespaceSubjects };

/**
 * Which ordinary subjects the workloads of a namespace may use on a server that all namespaces share: what the operator
 * states; else its own name and what begins with it, and for `default` everything that belongs to no other. Two
 * namespaces thus share nothing unless a list says so.
 */
export function subjectScope(namespace: string, stated: StatedSubjects, others: Iterable<string>): SubjectScope {
  if (namespace !== DEFAULT_NAMESPACE || Object.hasOwn(stated, namespace))
    return { only: subjectsOf(namespace, stated) };
  const theirs = new Set<string>();
  for (const other of [...Object.keys(stated), ...others])
    if (other !== namespace) for (const pattern of subjectsOf(other, stated).subscribe) theirs.add(pattern);
  return { allBut: { publish: [...theirs], subscribe: [...theirs] } };
}

function subjectsOf(namespace: string, stated: StatedSubjects): NamespaceSubjects {
  if (Object.hasOwn(stated, namespace)) return stated[namespace]!;
  const own = [namespace, `${namespace}.>`];
  return { publish: own, subscribe: own };
}

/** @throws NexError `subject_denied` for a subject, or a trigger's pattern, that the namespace may not use */
export function checkNamespaceSubject(
  namespace: string,
  direction: keyof NamespaceSubjects,
  subject: string,
  scope: SubjectScope,
): void {
  const covers = (pattern: string): boolean => subjectCovers(pattern, subject);
  if ("only" in scope) {
    const allowed = scope.only[direction];
    if (allowed.some(covers)) return;
    const has = allowed.length === 0 ? "nothing" : allowed.join(", ");
    throw denied(namespace, direction, subject, `which has ${has} on this server`);
  }
  const theirs = scope.allBut[direction].find(covers);
  if (theirs !== undefined)
    throw denied(namespace, direction, subject, `since "${theirs}" belongs to another namespace`);
}

function denied(namespace: string, direction: keyof NamespaceSubjects, subject: string, why: string): NexError {
  const use = direction === "publish" ? "may not be sent to" : "may not trigger workloads";
  return new NexError(
    "subject_denied",
    `The subject "${subject}" ${use} in the namespace "${namespace}", ${why}. Use another, or let the operator list it in the node's config, at namespaces.${namespace}.subjects.`,
    { data: { subject, namespace, direction } },
  );
}
