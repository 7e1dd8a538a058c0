import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { namespaceRights, type UserRights } from "./namespace-rights.ts";
import { type StatedSubjects, subjectScope, type SubjectScope } from "./namespace-subjects.ts";
import { type StorageOwner, storageRights } from "./storage-rights.ts";
import { writePrivateFile } from "./private-files.ts";

/** Name and password of a user of the embedded server. */
export interface UserCredentials {
  readonly user: string;
  readonly password: string;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const NODE = "node";
const OPERATOR = "operator";
const NAMESPACE_PREFIX = "namespace-";
/** Names of storage users say all their rights follow from: they outlast a restart in the file, like the others. */
const STORAGE_PREFIX = "storage/";

const written = z.object({
  authorization: z.object({ users: z.array(z.object({ user: z.string(), password: z.string().min(32) })) }),
});

/**
 * The embedded server's users, and the configuration file that makes them known to it.
 *
 * The file is the users' only home and can be read by nobody else; passwords in it are reused from one start to the
 * next. They are plain because nats-server would spend tens of milliseconds of bcrypt on each login otherwise, to
 * protect random passwords that guard nothing but this server.
 */
export class ServerConfig {
  readonly path: string;
  readonly #directory: string;
  readonly #passwords: Map<string, string>;
  readonly #subjects: StatedSubjects;

  private constructor(directory: string, subjects: StatedSubjects, passwords: Map<string, string>) {
    this.#directory = directory;
    this.#subjects = subjects;
    this.path = configPath(directory);
    this.#passwords = passwords;
    this.#passwordOf(NODE);
    this.#passwordOf(OPERATOR);
  }

  /** Takes over the users of an earlier start; a file that is missing or damaged means new passwords. */
  static async load(directory: string, subjects: StatedSubjects): Promise<ServerConfig> {
    try {
      const { users } = written.parse(JSON.parse(await readFile(configPath(directory), "utf8"))).authorization;
      return new ServerConfig(directory, subjects, new Map(users.map(({ user, password }) => [user, password])));
    } catch {
      return new ServerConfig(directory, subjects, new Map());
    }
  }

  /** Full rights; the node's own connection. */
  get node(): UserCredentials {
    return { user: NODE, password: this.#passwordOf(NODE) };
  }

  /** Full rights; the person at the command line. */
  get operator(): UserCredentials {
    return { user: OPERATOR, password: this.#passwordOf(OPERATOR) };
  }

  /** Makes the user if there is none yet; `write` makes it last. */
  namespace(namespace: string): UserCredentials {
    const user = `${NAMESPACE_PREFIX}${namespace}`;
    return { user, password: this.#passwordOf(user) };
  }

  /** Makes the user of a workload's buckets if there is none yet; `write` makes it last. */
  storage({ namespace, kv, objectStore }: StorageOwner): UserCredentials {
    const user = `${STORAGE_PREFIX}${namespace}/${kv}/${objectStore}`;
    return { user, password: this.#passwordOf(user) };
  }

  /** Names of all users that were made for namespaces and buckets. */
  made(): string[] {
    return [...this.#passwords.keys()].filter((user) => isNamespaceUser(user) || user.startsWith(STORAGE_PREFIX));
  }

  namespaces(): string[] {
    return [...this.#passwords.keys()].filter(isNamespaceUser).map(namespaceOf);
  }

  /** The subjects of a namespace, as far as the namespaces that there are now leave them to it. */
  scopeOf(namespace: string): SubjectScope {
    return subjectScope(namespace, this.#subjects, this.namespaces());
  }

  async write({ host, port }: ListenAddress): Promise<void> {
    // nats-server's language takes in JSON.
    const document = {
      server_name: "nex-embedded",
      host,
      port,
      jetstream: { store_dir: this.#directory },
      authorization: { users: this.#users() },
    };
    await writePrivateFile(this.path, `${JSON.stringify(document, undefined, 2)}\n`);
  }

  #users(): (UserCredentials & { permissions?: UserRights })[] {
    const namespaces = this.namespaces();
    return [...this.#passwords.keys()].map((user) => {
      const credentials = { user, password: this.#passwordOf(user) };
      if (user.startsWith(STORAGE_PREFIX)) return { ...credentials, permissions: storageRights(ownerOf(user)) };
      if (!isNamespaceUser(user)) return credentials;
      const namespace = namespaceOf(user);
      const scope = this.scopeOf(namespace);
      return { ...credentials, permissions: namespaceRights(namespace, { scope, namespaces }) };
    });
  }

  #passwordOf(user: string): string {
    const password = this.#passwords.get(user) ?? randomBytes(32).toString("base64url");
    this.#passwords.set(user, password);
    return password;
  }
}

function configPath(directory: string): string {
  return join(directory, "nats-server.conf");
}

function ownerOf(user: string): StorageOwner {
  const [namespace = "", kv = "", objectStore = ""] = user.slice(STORAGE_PREFIX.length).split("/");
  return { namespace, kv, objectStore };
}

function isNamespaceUser(user: string): boolean {
  return user.startsWith(NAMESPACE_PREFIX);
}

function namespaceOf(user: string): string {
  return user.slice(NAMESPACE_PREFIX.length);
}
