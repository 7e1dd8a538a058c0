import { checkMessageSubject, checkTrigger } from "@nex/protocol";
import { checkNamespaceSubject, type NamespaceSubjects, type SubjectScope } from "@nex/embedded-nats";

export interface SubjectRulesOptions {
  /** `deny_subjects` of the node's config. */
  readonly denied: readonly string[];
  /** A namespace's subjects at this moment, where the node's server keeps namespaces apart by subject. */
  readonly scopeOf?: ((namespace: string) => SubjectScope) | undefined;
}

/** Which subjects workloads of this node may be triggered by and send to. */
export class SubjectRules {
  readonly #options: SubjectRulesOptions;

  constructor(options: SubjectRulesOptions) {
    this.#options = options;
  }

  /** @throws NexError `invalid_subject`, `subject_denied` */
  checkTrigger(namespace: string, subject: string, allowEverything: boolean): void {
    checkTrigger(subject, { denied: this.#options.denied, allowEverything });
    this.#checkNamespace(namespace, "subscribe", subject);
  }

  /** For where a message shall go, or its answers. @throws NexError `invalid_subject`, `subject_denied` */
  checkMessage(namespace: string, subject: string): void {
    checkMessageSubject(subject, this.#options.denied);
    this.#checkNamespace(namespace, "publish", subject);
  }

  #checkNamespace(namespace: string, direction: keyof NamespaceSubjects, subject: string): void {
    const scope = this.#options.scopeOf?.(namespace);
    if (scope !== undefined) checkNamespaceSubject(namespace, direction, subject, scope);
  }
}
