/** Text that is secret, or the path of the file that holds it. Files are read when a connection is made. */
export type Secret =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "file"; readonly path: string };

/** How to prove who one is. `from` says in the user's words where it was given, and never holds a secret. */
export type Credentials =
  | { readonly kind: "none" }
  | { readonly kind: "token"; readonly token: string; readonly from: string }
  | {
      readonly kind: "user";
      readonly user: string;
      readonly password: string;
      readonly token: string | undefined;
      readonly from: string;
    }
  | { readonly kind: "creds"; readonly creds: Secret; readonly from: string }
  | { readonly kind: "nkey"; readonly seed: Secret; readonly from: string }
  | { readonly kind: "jwt"; readonly jwt: Secret; readonly seed: Secret | undefined; readonly from: string };

export interface TlsConfig {
  readonly cert: Secret | undefined;
  readonly key: Secret | undefined;
  readonly ca: Secret | undefined;
  /** The TLS handshake comes before the server's greeting. */
  readonly handshakeFirst: boolean;
}

/** Everything about a connection to NATS, complete and checked. Made by `resolveConnection`. */
export interface ConnectionConfig {
  /** URLs without user and password, such as `nats://127.0.0.1:4222`. At least one. */
  readonly servers: readonly string[];
  readonly credentials: Credentials;
  readonly tls: TlsConfig | undefined;
  readonly inboxPrefix: string | undefined;
  readonly jetstreamDomain: string | undefined;
  /** Name of the NATS context that took part; `undefined` if none did. */
  readonly context: string | undefined;
  /** For connecting and for requests, ms. */
  readonly timeoutMs: number;
}

/** What the command line says about a connection: the global flags as they were typed. */
export interface ConnectionFlags {
  readonly server?: string | undefined;
  readonly context?: string | undefined;
  readonly creds?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  readonly nkey?: string | undefined;
  readonly tlscert?: string | undefined;
  readonly tlskey?: string | undefined;
  readonly tlsca?: string | undefined;
}

/** Written by a running `nex up` that started its own server, so that every other command finds it. */
export const EMBEDDED_CONTEXT = "nex-embedded";

export const DEFAULT_SERVER = "nats://127.0.0.1:4222";
