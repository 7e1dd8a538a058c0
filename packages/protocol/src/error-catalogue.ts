/** One error code: its numbers, when it is used, and what its reader can do. */
export interface CatalogueEntry {
  /** HTTP-like class, sent as `Nats-Service-Error-Code`. */
  readonly status: number;
  /** Exit code of the CLI: 1 failure, 2 usage, 3 not found, 4 timeout or nobody there, 5 not allowed. */
  readonly exit: 1 | 2 | 3 | 4 | 5;
  /** When this code is used. */
  readonly when: string;
  /** What the reader should do. */
  readonly remedy: string;
}

const requests = {
  invalid_request: {
    status: 400,
    exit: 2,
    when: "A control message, option or config value does not have the documented form.",
    remedy: "Read which field the message names and correct it.",
  },
  invalid_name: {
    status: 400,
    exit: 2,
    when: "A workload or namespace name contains something other than letters, digits, `_` and `-`.",
    remedy: "Choose a name of 1 to 63 such characters.",
  },
  invalid_subject: {
    status: 400,
    exit: 2,
    when: "A subject is not valid where it is used: as a trigger (`>` alone needs the explicit flag), or by a function to publish or request on.",
    remedy: "Use dot-separated tokens. Wildcards are for triggers only: `*` for one token, `>` at the end.",
  },
  subject_denied: {
    status: 403,
    exit: 5,
    when: "A subject overlaps the node's deny list, or on the embedded server is not the namespace's.",
    remedy:
      "Use another subject, or ask the node's operator to change `deny_subjects` or `namespaces.<name>.subjects`.",
  },
  unsupported_kind: {
    status: 400,
    exit: 2,
    when: "The node has no provider for this kind of workload.",
    remedy: "Use a kind the node lists in `nex node info`.",
  },
  too_large: {
    status: 413,
    exit: 2,
    when: "An artifact, payload or message is larger than its limit.",
    remedy: "Make it smaller, or raise the limit the message names.",
  },
  unsupported_limit: {
    status: 400,
    exit: 2,
    when: "A deploy asks for a limit this node's sandbox cannot enforce, or for more than the node gives.",
    remedy: "Deploy without the limit or with a smaller one, or on a node whose sandbox enforces it.",
  },
} as const;

const access = {
  claims_invalid: {
    status: 401,
    exit: 5,
    when: "Workload claims cannot be decoded, or their signature does not verify.",
    remedy: "Sign the deploy again with the issuer's key.",
  },
  claims_mismatch: {
    status: 401,
    exit: 5,
    when: "Workload claims were signed for another request than they came with: another name, namespace, nexus, kind, node, artifact or anything else in it.",
    remedy: "Sign claims over exactly this request.",
  },
  claims_expired: {
    status: 401,
    exit: 5,
    when: "Workload claims are past their expiry, or too old.",
    remedy: "Sign the deploy again; check the clocks of both machines.",
  },
  claims_replayed: {
    status: 401,
    exit: 5,
    when: "Workload claims were used before; those of nex 0.2.7 also where they came before with another request.",
    remedy: "Sign the deploy again: every deploy needs claims of its own.",
  },
  issuer_not_allowed: {
    status: 403,
    exit: 5,
    when: "The issuer's key is not allowed on this node or in this namespace.",
    remedy: "Ask the node's operator to add the key to `issuers`.",
  },
  namespace_credentials_missing: {
    status: 403,
    exit: 5,
    when: "The NATS server wants credentials and the node has none for this namespace.",
    remedy: "Name credentials for the namespace in the node's config, or set `share_node_connection`.",
  },
  environment_sealed_wrong: {
    status: 400,
    exit: 5,
    when: "A sealed environment cannot be opened with the nexus key.",
    remedy: "Seal it to the node's current `public_xkey`.",
  },
  connect_denied: {
    status: 403,
    exit: 5,
    when: "A service is to be connected to a destination that is not on the node's list.",
    remedy: "Ask the node's operator to name the destination under `services.connect`.",
  },
  rate_limited: {
    status: 429,
    exit: 1,
    when: "Control messages arrive faster than the node accepts them.",
    remedy: "Wait and try again.",
  },
  not_allowed: {
    status: 403,
    exit: 5,
    when: "The NATS server or the node refuses the operation to this caller.",
    remedy: "Use credentials that have the right.",
  },
} as const;

const artifacts = {
  artifact_missing: {
    status: 404,
    exit: 3,
    when: "The artifact named by a deploy is not in the object store.",
    remedy: "Upload it, then deploy.",
  },
  artifact_corrupt: {
    status: 422,
    exit: 1,
    when: "An artifact's bytes do not have the hash that was signed.",
    remedy: "Upload the artifact again.",
  },
  artifact_quota: {
    status: 507,
    exit: 1,
    when: "The artifact store is full.",
    remedy: "Stop workloads or raise `artifacts.max_bytes`.",
  },
  invalid_artifact: {
    status: 422,
    exit: 2,
    when: "The artifact is not a workload of its kind: empty, a syntax error, no function, a throw at load.",
    remedy: "Correct the place in the source that the message names.",
  },
} as const;

const placing = {
  no_node: {
    status: 503,
    exit: 4,
    when: "No node answered, none fits the workload, or the one that worked on the request is gone.",
    remedy:
      "Start a node with `nex up`, or relax the placement. After a lost node, look with `nex ls` whether it was done.",
  },
  lame_duck: {
    status: 503,
    exit: 1,
    when: "The node is in lame duck mode and takes no more deploys.",
    remedy: "Deploy on another node.",
  },
  no_sandbox: {
    status: 503,
    exit: 1,
    when: "No sandbox became ready before the deploy's deadline.",
    remedy: "See `nex events` for why sandboxes fail to start.",
  },
  sandbox_failed: {
    status: 500,
    exit: 1,
    when: "A sandbox could not be started, or ended by itself.",
    remedy: "Read the reason in the message; run `nex node preflight`.",
  },
  sandbox_refused: {
    status: 403,
    exit: 5,
    when: "This sandbox may not be used in this situation.",
    remedy: "Follow the message: list the issuers, or choose a stronger sandbox.",
  },
  service_ended: {
    status: 500,
    exit: 1,
    when: "A service ended by itself.",
    remedy: "Read its exit code and logs; deploy it with `--essential` if it is to be restarted.",
  },
  deploy_failed: {
    status: 500,
    exit: 1,
    when: "The workload did not come up.",
    remedy: "Read the cause in the message and the workload's logs.",
  },
  already_deployed: {
    status: 409,
    exit: 1,
    when: "An agent that has, or had, its workload was asked to deploy another.",
    remedy: "A new workload needs a new sandbox; the node sees to it.",
  },
  workload_not_found: {
    status: 404,
    exit: 3,
    when: "No such workload.",
    remedy: "List workloads with `nex ls`; check `--namespace`.",
  },
  revision_not_found: {
    status: 404,
    exit: 3,
    when: "The workload has no such earlier revision.",
    remedy: "See the revisions with `nex info`.",
  },
  node_not_found: {
    status: 404,
    exit: 3,
    when: "No node with this id answered.",
    remedy: "List nodes with `nex node ls`.",
  },
} as const;

const invocations = {
  function_failed: {
    status: 500,
    exit: 1,
    when: "The function threw, or its promise rejected.",
    remedy: "Read the function's logs under the invocation id.",
  },
  deadline_exceeded: {
    status: 504,
    exit: 4,
    when: "No answer before the deadline.",
    remedy:
      "Make the work shorter or raise `--deadline`; where messages wait for others, `--max-in-flight` or `--replicas`.",
  },
  overloaded: {
    status: 429,
    exit: 1,
    when: "The function's queue of waiting messages is full.",
    remedy: "Retry later, add replicas, or raise `--max-in-flight`.",
  },
  interrupted: {
    status: 503,
    exit: 1,
    when: "The runner or sandbox that held the invocation ended.",
    remedy: "Retry if the function may run twice; see the workload's events for the reason.",
  },
  reply_too_large: {
    status: 413,
    exit: 1,
    when: "A reply is larger than the NATS server accepts.",
    remedy: "Return less, or raise the server's `max_payload`.",
  },
  trigger_unsupported: {
    status: 400,
    exit: 2,
    when: "The workload is a service and has no triggers.",
    remedy: "Talk to the service itself.",
  },
} as const;

const services = {
  service_disabled: {
    status: 403,
    exit: 5,
    when: "A function calls a host service that the node's config or the deploy has switched off.",
    remedy:
      "Deploy without the option that takes it away (`--without`), or ask the node's operator to enable it under `host_services`.",
  },
  invalid_key: {
    status: 400,
    exit: 2,
    when: "A key or object name has a form the store cannot keep.",
    remedy: "Keys: letters, digits and `-_/=.`, no dot at either end or twice in a row. Object names: 1 to 1024 bytes.",
  },
  not_found: {
    status: 404,
    exit: 3,
    when: "There is no such key or object. The script form has it thrown, WebAssembly its number; elsewhere the answer is `undefined`.",
    remedy: "Nothing, if absence is an answer; else put it first.",
  },
  bad_pointer: {
    status: 400,
    exit: 1,
    when: "A WebAssembly function passed an address and a length that lead out of its memory.",
    remedy: "Correct the function: both count bytes of its own linear memory.",
  },
  bad_handle: {
    status: 400,
    exit: 1,
    when: "A WebAssembly function used a handle that is closed, was never given out, or is of another kind.",
    remedy: "Correct the function: handles are good for one invocation, until they are closed.",
  },
  key_exists: {
    status: 409,
    exit: 1,
    when: "`create` found the key there already.",
    remedy: "Read it and use `update`, or choose another key.",
  },
  wrong_revision: {
    status: 409,
    exit: 1,
    when: "`update` found the key at another revision than the one it expected.",
    remedy: "Read the key again, apply the change to what is there now, and retry.",
  },
  bucket_missing: {
    status: 503,
    exit: 1,
    when: "A workload's bucket was deleted while in use; what it held is gone. The next call makes it anew.",
    remedy: "Retry if an empty bucket will do.",
  },
  bucket_full: {
    status: 507,
    exit: 1,
    when: "A workload's bucket, or the storage of the NATS account, is full.",
    remedy:
      "Delete something. A bucket keeps its size: for a larger one raise `max_bytes` under `host_services` before it is made, or edit its stream.",
  },
  bucket_taken: {
    status: 403,
    exit: 5,
    when: "A bucket of the name that this workload would use belongs to another workload.",
    remedy: "Rename one of the two workloads, or change the bucket template.",
  },
  unsupported_by_server: {
    status: 501,
    exit: 1,
    when: "The NATS server is too old for what was asked.",
    remedy: "Do without, or use the server version the message names.",
  },
  object_corrupt: {
    status: 500,
    exit: 1,
    when: "The bytes of an object do not have the digest, or the size, that was recorded with it.",
    remedy: "Put the object again.",
  },
  no_responders: {
    status: 503,
    exit: 4,
    when: "A function's request found nobody subscribed to the subject.",
    remedy: "Check the subject, and that whoever answers it runs.",
  },
  self_request: {
    status: 409,
    exit: 1,
    when: "A function that runs one invocation at a time would wait for an answer of its own.",
    remedy: "Publish instead of requesting, or let it run several at once: the module form, `--max-in-flight`.",
  },
  http_denied: {
    status: 403,
    exit: 5,
    when: "A function's HTTP request leads to an address that is not public and not on the allow-list.",
    remedy:
      "Name the host with `--allow-http` where the deploy names hosts; one that is not public the node's operator must open under `host_services.http.allow` or `.allow_named`.",
  },
  http_failed: {
    status: 502,
    exit: 1,
    when: "A function's HTTP request could not be completed: no such host, no connection, TLS, too many redirects.",
    remedy: "Read the cause in the message.",
  },
} as const;

const link = {
  tunnel_failed: {
    status: 502,
    exit: 1,
    when: "A service's connection through its tunnel could not be opened, or broke.",
    remedy: "Read the workload's logs, which name the destination and the cause.",
  },
  link_closed: {
    status: 503,
    exit: 1,
    when: "The link to the other side is closed.",
    remedy: "Usually follows another event; read that one.",
  },
  link_protocol: {
    status: 400,
    exit: 1,
    when: "The other side of a link broke the protocol; the link was closed.",
    remedy: "Use agent and node of one release; otherwise report it.",
  },
  link_version: {
    status: 400,
    exit: 1,
    when: "Agent and node speak no common version of the link.",
    remedy: "Update the older of the two; the message names both.",
  },
  link_token: {
    status: 401,
    exit: 1,
    when: "A hello carried a token that is unknown, used, or for another role.",
    remedy: "Only the sandbox the token was made for may use it, once.",
  },
  cancelled: {
    status: 499,
    exit: 1,
    when: "The caller withdrew the call, or ended before it had read the answer.",
    remedy: "Nothing where it was meant; else look for what aborts, or returns too early.",
  },
  unknown_method: {
    status: 404,
    exit: 1,
    when: "The called method does not exist on this link.",
    remedy: "Use agent and node of one release.",
  },
} as const;

const surroundings = {
  connection_failed: {
    status: 503,
    exit: 4,
    when: "The NATS server cannot be reached.",
    remedy: "Check the URL the message names, and that the server runs.",
  },
  authentication_failed: {
    status: 401,
    exit: 5,
    when: "The NATS server refuses the credentials.",
    remedy: "Check the context or credentials file.",
  },
  jetstream_unavailable: {
    status: 503,
    exit: 1,
    when: "JetStream is off on the NATS server or for this account.",
    remedy: "Start nats-server with `-js`, or enable it for the account.",
  },
  state_unusable: {
    status: 500,
    exit: 1,
    when: "The node's state directory cannot be read or written, or others may read the keys in it.",
    remedy: "Mend what the message names, or name another directory with `--state-directory`.",
  },
  record_unreadable: {
    status: 500,
    exit: 1,
    when: "A record in the nexus's bucket is damaged, missing or of a newer release. It is left as it is.",
    remedy: "Deploy the workload again, or start the release that wrote the record.",
  },
  deploy_conflict: {
    status: 409,
    exit: 1,
    when: "A workload was deployed, rolled back or stopped over one node while another still worked on it.",
    remedy: "See with `nex info` what runs, then do it again.",
  },
  nexus_key_mismatch: {
    status: 403,
    exit: 5,
    when: "The node has another nexus key than the nodes of the nexus that it is to join.",
    remedy:
      "Give it their key: `nex keys export` on one of theirs, then `NEX_NEXUS_KEY` or `nexus_key_file` here. Or give it another `nexus`.",
  },
  already_running: {
    status: 409,
    exit: 1,
    when: "Another process holds the lock or port.",
    remedy: "Stop the other one, or choose another directory or port.",
  },
  nats_server_failed: {
    status: 500,
    exit: 1,
    when: "The embedded nats-server could not be started, or ended by itself.",
    remedy: "Read the server's own error in the message; check its directory's rights and disk space.",
  },
  file_not_found: {
    status: 404,
    exit: 3,
    when: "A file named on the command line does not exist or cannot be read.",
    remedy: "Check the path.",
  },
  usage: {
    status: 400,
    exit: 2,
    when: "The command line has an unknown command or flag, or lacks an argument.",
    remedy: "See `nex --help`.",
  },
  missing_tool: {
    status: 500,
    exit: 1,
    when: "A program that Nex needs is not installed.",
    remedy: "Install it with the command in the message.",
  },
  image_failed: {
    status: 500,
    exit: 1,
    when: "The image of the virtual machine could not be built.",
    remedy: "Read the reason in the message: mostly package sources, network or disk space.",
  },
  timeout: {
    status: 504,
    exit: 4,
    when: "Nobody answered in time.",
    remedy:
      "From `nex`: check that a node runs and is reachable, or raise `--timeout`. In a function: raise the limit the message names.",
  },
  internal: {
    status: 500,
    exit: 1,
    when: "A fault in Nex itself.",
    remedy: "Please report it, with the logs.",
  },
} as const;

export type NexErrorCode =
  | keyof typeof requests
  | keyof typeof access
  | keyof typeof artifacts
  | keyof typeof placing
  | keyof typeof invocations
  | keyof typeof services
  | keyof typeof link
  | keyof typeof surroundings;

/** Every error code of Nex. `docs/errors.md` is written from this table and a test keeps the two equal. */
export const errorCatalogue: Readonly<Record<NexErrorCode, CatalogueEntry>> = {
  ...requests,
  ...access,
  ...artifacts,
  ...placing,
  ...invocations,
  ...services,
  ...link,
  ...surroundings,
};

/** The codes in the groups and order in which `docs/errors.md` shows them. */
export const errorGroups: readonly { readonly title: string; readonly codes: readonly NexErrorCode[] }[] = [
  { title: "Requests and their parts", codes: Object.keys(requests) as (keyof typeof requests)[] },
  { title: "Who may do what", codes: Object.keys(access) as (keyof typeof access)[] },
  { title: "Artifacts", codes: Object.keys(artifacts) as (keyof typeof artifacts)[] },
  { title: "Placing and running", codes: Object.keys(placing) as (keyof typeof placing)[] },
  { title: "Invocations", codes: Object.keys(invocations) as (keyof typeof invocations)[] },
  { title: "Host services", codes: Object.keys(services) as (keyof typeof services)[] },
  { title: "Link", codes: Object.keys(link) as (keyof typeof link)[] },
  { title: "Surroundings", codes: Object.keys(surroundings) as (keyof typeof surroundings)[] },
];
