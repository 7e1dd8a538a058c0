import { readFile } from "node:fs/promises";
import { basename, extname, resolve } from "node:path";
import { parseEnv } from "node:util";
import { HOST_SERVICES, isName, NexError, parseKind, WORKLOAD_KINDS, type WorkloadKind } from "@nex/protocol";
import { detectKind } from "../artifact/detect-kind.ts";
import { checkOptionsOf } from "../artifact/options-of-kind.ts";
import { bundleFunction } from "../bundle/bundle-function.ts";
import { type Command, type CommandContext, defineCommand } from "../command.ts";
import { choice, decimal, duration, flag, integer, list, pairs, required, size, text, words } from "../option.ts";
import { withClient } from "../session.ts";

const options = {
  name: text("-n, --name <name>", "name of the workload (default: the file's name)"),
  type: choice(
    "--type <kind>",
    "kind of the workload (default: found from the file)",
    [...WORKLOAD_KINDS, "native", "v8"],
    { fallback: undefined },
  ),
  triggers: list("-t, --trigger <subject>", "subject that runs the function, with * and >; repeatable"),
  allowAllSubjects: flag("--allow-all-subjects", 'admit the trigger ">", which takes in everything'),
  env: pairs("-e, --env <key=value>", "variable of the workload's environment, repeatable; sealed on the way"),
  envFile: text("--env-file <file>", "file of KEY=VALUE lines; --env wins over it"),
  argv: list("--argv <text>", "argument of a service, repeatable"),
  description: text("--description <text>", "what the workload is for"),
  essential: flag("--essential", "restart a service when it ends"),
  replicas: integer("--replicas <n>", "copies that share the work, spread over the nodes (default 1)", {
    fallback: undefined,
    min: 1,
    max: 1000,
  }),
  labels: pairs("--label <key=value>", "label of the workload, repeatable; shown by nex info"),
  tags: pairs("--tag <key=value>", "tag that a node must have to run it, repeatable, such as nex.arch=arm64"),
  node: text("--node <id>", "run on this node only (default: where it runs already, else on the least busy ones)"),
  deadline: duration("--deadline <time>", "for each invocation (default 5s)", { fallback: undefined }),
  memory: size("--memory <size>", "memory limit", { fallback: undefined }),
  cpus: decimal("--cpus <n>", "processor limit, such as 0.5", { fallback: undefined, min: 0.01, max: 4096 }),
  processes: integer("--processes <n>", "limit of processes and threads", {
    fallback: undefined,
    min: 1,
    max: 100_000,
  }),
  maxInFlight: integer("--max-in-flight <n>", "invocations that run at once (default 64)", {
    fallback: undefined,
    min: 1,
    max: 100_000,
  }),
  maxWaiting: integer("--max-waiting <n>", "messages that may wait beyond those (default 1024)", {
    fallback: undefined,
    min: 0,
    max: 1_000_000,
  }),
  without: words("--without <service>", "host service that a function does not get, repeatable", HOST_SERVICES),
  allowHttp: list(
    "--allow-http <host[:port]>",
    "host that HTTP reaches, and no other; repeatable; within what the node's config allows",
  ),
  kvSize: size("--kv-size <size>", "of a function's key-value bucket", { fallback: undefined }),
  objectStoreSize: size("--object-store-size <size>", "of a function's object store", { fallback: undefined }),
  connect: list(
    "--connect <host:port>",
    "destination that a service reaches by this name, repeatable; the node's config must allow it",
  ),
};

/** `nex workload run`, `nex run` */
export const command: Command = defineCommand({
  details:
    "Uploads the file, signs and seals the deploy, and returns when the workload runs. TypeScript and imports are bundled. A name that runs already gets its next revision: the new one is up before the old one goes.",
  arguments: { file: required("file", "the workload: .ts, .js, .wasm or an ELF program") },
  options,
  examples: [
    ['run price.ts --trigger "orders.*.new"', "a function for all new orders"],
    ["run price.ts -t orders.new -e CURRENCY=EUR --deadline 2s", "with an environment and a deadline"],
    [
      "run price.ts -t orders.new --replicas 3 --tag zone=west",
      "on three nodes that have this tag, if there are so many",
    ],
    ["run ./api --connect db.example.com:5432 --essential", "a service that reaches one database, and nothing else"],
  ],
  async run(ctx, args) {
    const { print } = ctx;
    const file = args.file;
    const name = args.name ?? nameOf(file);
    const kind = (args.type === undefined ? undefined : parseKind(args.type)) ?? detectKind(file);
    checkOptionsOf(kind, args);
    const artifact = await readArtifact(ctx, file, kind);
    const env = { ...(await readEnvFile(ctx, args.envFile)), ...Object.fromEntries(args.env) };
    const deployed = await withClient(
      ctx,
      { signs: true },
      async (nex) =>
        await print.progress(
          `Deploying ${name}`,
          async (report) =>
            await nex.workloads.deploy({
              name,
              kind,
              artifact,
              env,
              triggers: args.triggers,
              argv: args.argv,
              tags: Object.fromEntries(args.labels),
              nodeTags: Object.fromEntries(args.tags),
              essential: args.essential,
              allowAllSubjects: args.allowAllSubjects,
              connect: args.connect,
              hostServices: {
                without: args.without,
                httpAllow: args.allowHttp.length === 0 ? undefined : args.allowHttp,
                kvMaxBytes: args.kvSize,
                objectStoreMaxBytes: args.objectStoreSize,
              },
              signal: ctx.signal,
              onProgress: (stage, done, total) => {
                if (stage === "upload") report.update(done, total);
              },
              ...given({
                description: args.description,
                replicas: args.replicas,
                node: args.node,
                deadlineMs: args.deadline,
                memoryBytes: args.memory,
                cpus: args.cpus,
                processes: args.processes,
                maxInFlight: args.maxInFlight,
                maxWaiting: args.maxWaiting,
              }),
            }),
        ),
    );
    if (print.isJson) return print.json(deployed);
    const { revision, state, instances, namespace } = deployed;
    const nodes = new Set(instances.map(({ node_id }) => node_id)).size;
    const spread = nodes > 1 ? ` on ${nodes} nodes` : "";
    print.text(
      `Workload '${name}' is ${state}${spread}: revision ${revision} in namespace ${namespace}, ${instances.map((instance) => instance.id).join(", ")}`,
    );
    if (deployed.isOnLegacyNode) {
      print.note(
        `Its node is one of nex 0.2.7, which has to be named: nex info ${name} --node ${args.node}, nex stop ${name} --node ${args.node}.`,
      );
    }
    if (args.triggers.length > 0) {
      print.note(`It answers on ${args.triggers.join(", ")}.`);
      print.note(
        `Try it: nex trigger ${name}${subjectFlag(args.triggers[0]!)} --data …   Follow it: nex logs ${name} --follow`,
      );
    }
  },
});

/** A trigger with wildcards stands for many subjects, and a message needs one of them. */
function subjectFlag(trigger: string): string {
  const subject = trigger.replaceAll(/(?<=^|\.)[*>](?=$|\.)/g, "test");
  return subject === trigger ? "" : ` --subject ${subject}`;
}

async function readArtifact(
  ctx: CommandContext,
  file: string,
  kind: WorkloadKind,
): Promise<Uint8Array | { path: string }> {
  if (kind !== "javascript") return { path: resolve(ctx.cwd, file) };
  const bundle = await ctx.print.progress(`Bundling ${file}`, async () => await bundleFunction(file));
  for (const warning of bundle.warnings) ctx.print.warn(warning);
  return bundle.source;
}

/** The file's name without its ending, with what a name cannot hold replaced. */
function nameOf(file: string): string {
  const name = basename(file, extname(file)).replaceAll(/[^A-Za-z0-9_-]+/g, "-");
  if (isName(name)) return name;
  throw new NexError("usage", `No workload name can be made of "${file}". Choose one with --name.`, {
    data: { command: "nex run" },
  });
}

async function readEnvFile(ctx: CommandContext, file: string | undefined): Promise<Record<string, string>> {
  if (file === undefined) return {};
  try {
    return parseEnv(await readFile(resolve(ctx.cwd, file), "utf8")) as Record<string, string>;
  } catch (cause) {
    throw new NexError("file_not_found", `The environment file ${file} cannot be read: ${(cause as Error).message}`, {
      cause,
      data: { file },
    });
  }
}

type Given<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function given<T extends object>(values: T): Given<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>;
}
