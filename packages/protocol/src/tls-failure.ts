/** Why a TLS handshake failed, as parts of a message: `… at nats://host: <why>. <remedy>` */
export interface TlsFailure {
  readonly why: string;
  readonly remedy: string;
}

/** By the codes that Node.js and OpenSSL give, or the words of nats.js where it gives none; the first that fits counts. */
const KINDS: readonly (readonly [RegExp, TlsFailure])[] = [
  [
    /UNABLE_TO_VERIFY_LEAF|UNABLE_TO_GET_ISSUER|SELF_SIGNED/,
    {
      why: "its certificate is signed by an authority that is not known here",
      remedy: "Name the authority's certificate (--tlsca, NATS_CA, or ca in the context).",
    },
  ],
  [
    /CERT_HAS_EXPIRED/,
    { why: "its certificate has expired", remedy: "Have it renewed, and check this machine's clock." },
  ],
  [
    /CERT_NOT_YET_VALID/,
    { why: "its certificate is not valid yet", remedy: "Check this machine's clock, and the server's certificate." },
  ],
  [
    /KEY_VALUES_MISMATCH/,
    {
      why: "the client's certificate and key do not belong together",
      remedy: "Check what --tlscert and --tlskey name.",
    },
  ],
  [
    /BAD_CERTIFICATE|CERTIFICATE_REQUIRED|UNKNOWN_CA|CERTIFICATE_UNKNOWN|CERTIFICATE_REVOKED|CERTIFICATE_EXPIRED/,
    {
      why: "it wants a client's certificate that it trusts",
      remedy: "Give one with --tlscert and --tlskey, or in the context.",
    },
  ],
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|does not support 'tls'|"?'?tls'?"? .*is not available on this server/,
    { why: "it does not speak TLS", remedy: "Use nats:// and no certificates, or turn TLS on at the server." },
  ],
  [
    /UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|NO_SHARED_CIPHER|HANDSHAKE_FAILURE/,
    { why: "it and this client have no version of TLS in common", remedy: "Bring the older of the two up to date." },
  ],
  [
    /ERR_OSSL_PEM|ERR_OSSL_ASN1|ERR_OSSL_UNSUPPORTED|ERR_OSSL_EVP/,
    {
      why: "the client's certificate or key cannot be read",
      remedy: "Check that --tlscert and --tlskey name PEM files.",
    },
  ],
];

/** What OpenSSL calls its errors, in `code` or in front of the message. */
const ANY = /^(?:ERR_SSL|ERR_TLS|ERR_OSSL)_/;

/**
 * What a server does that does not like the client's certificate, or misses one, when its alert is lost on the way: in
 * TLS 1.3 the client may be done with the handshake, and be writing, by the time it comes.
 */
const CLOSED: TlsFailure = {
  why: "it closed the connection in the TLS handshake; perhaps it wants a client's certificate that it trusts",
  remedy: "Give one with --tlscert and --tlskey, or in the context.",
};

/**
 * What is behind a failed connection, if that is TLS; OpenSSL's own lines say it to nobody.
 * @param isTls the client was told to use TLS, so that a connection which is just closed was one with it
 */
export function tlsFailure(thrown: unknown, isTls: boolean = false): TlsFailure | undefined {
  return knownFailure(thrown) ?? (isTls && isClosed(thrown) ? CLOSED : undefined);
}

function isClosed(thrown: unknown): boolean {
  const { code, message } = Object(thrown) as { readonly code?: unknown; readonly message?: unknown };
  const text = typeof message === "string" ? message : "";
  return code === "ECONNRESET" || code === "EPIPE" || text === "" || /undefined error|closed|disconnect/i.test(text);
}

function knownFailure(thrown: unknown): TlsFailure | undefined {
  for (let error = thrown, depth = 0; error instanceof Error && depth < 8; error = error.cause, depth++) {
    const { code, cert } = error as NodeJS.ErrnoException & { readonly cert?: { readonly subjectaltname?: string } };
    if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
      return {
        why: `its certificate is for other names (${cert?.subjectaltname ?? "none"})`,
        remedy: "Use one of them in the URL, or have this one added to the certificate.",
      };
    }
    const text = `${code ?? ""} ${error.message}`;
    const known = KINDS.find(([pattern]) => pattern.test(text));
    if (known !== undefined) return known[1];
    if (code !== undefined && ANY.test(code))
      return { why: `the TLS handshake failed (${code})`, remedy: "Check the certificates of both sides." };
  }
  return undefined;
}
