import { createHash } from "node:crypto";
import { jetstream } from "@nats-io/jetstream";
import { Objm, type ObjectStore } from "@nats-io/obj";
import type { NatsConnection } from "@nats-io/transport-node";
import {
  controlSubjects,
  type DeployRequest,
  type Environment,
  type NewClaims,
  objectLocation,
  sealEnvironment,
  signRequest,
  type SigningKey,
  type StopRequest,
  type UndeployRequest,
} from "@nex/protocol";
import type { Reply, RunningNode } from "./running-node.ts";

/** A node and one of its clients, as far as deploys need them. */
export type DeployTarget = Pick<RunningNode, "client" | "issuer" | "sender" | "exchangeKey" | "ask"> & {
  readonly node: { readonly id: string };
};

/** Answers what it was sent. */
export const ECHO = "export default (event) => event.text();";

export interface FunctionDeploy {
  /** Default `fn`, which is also its trigger. */
  readonly name?: string;
  readonly namespace?: string;
  readonly source?: string | Uint8Array;
  readonly env?: Environment;
  readonly issuer?: SigningKey;
  /** Changes what is signed. */
  readonly claims?: Partial<NewClaims>;
  /** Changes what is sent. */
  readonly request?: Partial<Record<keyof DeployRequest, unknown>>;
}

export function sha256(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Stores bytes under a name; under their hash if none is given. */
export async function upload(
  client: NatsConnection,
  bytes: string | Uint8Array,
  { bucket = "nex_artifacts", name = sha256(bytes) }: { readonly bucket?: string; readonly name?: string } = {},
): Promise<string> {
  const store = await bucketOf(client, bucket);
  await store.putBlob({ name }, Buffer.from(bytes));
  return name;
}

/** Makes it if it is not there. */
export async function bucketOf(client: NatsConnection, bucket: string): Promise<ObjectStore> {
  const manager = new Objm(jetstream(client));
  return await manager.open(bucket).catch(async () => await manager.create(bucket));
}

/** A deploy as a client of this release sends it. Uploads nothing. */
export async function deployRequest(running: DeployTarget, deploy: FunctionDeploy = {}): Promise<DeployRequest> {
  const { name = "fn", namespace = "default", source = ECHO, env, issuer = running.issuer, claims, request } = deploy;
  const hash = sha256(source);
  const body = {
    type: "v8",
    kind: "javascript",
    description: "made by a test",
    location: objectLocation("nex_artifacts", hash),
    environment: sealEnvironment(env, running.sender, await running.exchangeKey()),
    sender_public_key: running.sender.publicKey,
    target_node: running.node.id,
    trigger_subjects: [name],
    artifact: { sha256: hash, size: Buffer.byteLength(source) },
    // Far more than any test needs, however busy the machine.
    deadline_ms: 20_000,
    ...request,
  } as unknown as DeployRequest;
  return signRequest(
    issuer,
    {
      action: "deploy",
      name,
      namespace,
      nexus: "nexus",
      kind: "javascript",
      hash,
      node: running.node.id,
      expiresAt: Date.now() + 60_000,
      ...claims,
    },
    body,
  );
}

/** Uploads the source and deploys it. */
export async function deployFunction(running: DeployTarget, deploy: FunctionDeploy = {}): Promise<Reply> {
  await upload(running.client, deploy.source ?? ECHO);
  return await running.ask(deploySubject(running, deploy.namespace), await deployRequest(running, deploy));
}

export function deploySubject(running: DeployTarget, namespace = "default"): string {
  return controlSubjects.deploy(namespace, running.node.id);
}

/** Body of a stop of one instance, with claims for `default/fn` or what is said instead. */
export function stopRequest(
  running: DeployTarget,
  id: string,
  claims: Partial<NewClaims> = {},
  issuer = running.issuer,
): StopRequest {
  return signChange(running, { workload_id: id }, claims, issuer);
}

/** Body of a stop of a whole workload, `default/fn` or what is said instead. */
export function undeployRequest(
  running: DeployTarget,
  claims: Partial<NewClaims> = {},
  issuer = running.issuer,
): UndeployRequest {
  return signChange(running, { name: claims.name ?? "fn" }, claims, issuer);
}

/** Adds the node, and claims to stop `default/fn` or what is said instead. */
export function signChange<Body extends object>(
  running: DeployTarget,
  body: Body,
  claims: Partial<NewClaims> = {},
  issuer = running.issuer,
): Body & { readonly target_node: string; readonly workload_jwt: string } {
  const wanted = {
    action: "stop",
    name: "fn",
    namespace: "default",
    nexus: "nexus",
    node: running.node.id,
    expiresAt: Date.now() + 60_000,
    ...claims,
  } as const;
  return signRequest(issuer, wanted, { ...body, target_node: running.node.id });
}
