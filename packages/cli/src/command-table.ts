import type { CommandEntry } from "./command-entry.ts";

/** What the nouns are. Every first word of a path of two has its line here. */
export const NOUNS: Readonly<Record<string, string>> = {
  node: "nodes: the machines that run workloads",
  workload: "workloads: services and functions",
  keys: "keys: what lets a node join a nexus",
  image: "the image that virtual machines start from",
  context: "NATS contexts: where to connect and as whom",
};

/** Every command of `nex`. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    path: ["node", "up"],
    short: "up",
    summary: "run a node on this machine",
    load: async () => (await import("./commands/node-up.ts")).command,
  },
  {
    path: ["workload", "run"],
    aliases: ["start"],
    short: "run",
    summary: "deploy a file and return when it runs",
    load: async () => (await import("./commands/workload-run.ts")).command,
  },
  {
    path: ["workload", "ls"],
    aliases: ["list"],
    short: "ls",
    summary: "list the workloads of the namespace",
    load: async () => (await import("./commands/workload-ls.ts")).command,
  },
  {
    path: ["workload", "info"],
    aliases: ["show"],
    short: "info",
    summary: "describe a workload",
    load: async () => (await import("./commands/workload-info.ts")).command,
  },
  {
    path: ["workload", "stop"],
    aliases: ["undeploy"],
    short: "stop",
    summary: "stop a workload",
    load: async () => (await import("./commands/workload-stop.ts")).command,
  },
  {
    path: ["workload", "logs"],
    short: "logs",
    summary: "print log records",
    load: async () => (await import("./commands/workload-logs.ts")).command,
  },
  {
    path: ["workload", "trigger"],
    short: "trigger",
    summary: "send a function one message and print its reply",
    load: async () => (await import("./commands/workload-trigger.ts")).command,
  },
  {
    path: ["workload", "rollback"],
    short: "rollback",
    summary: "run an earlier revision again",
    load: async () => (await import("./commands/workload-rollback.ts")).command,
  },
  {
    path: ["events"],
    summary: "print what happened and what happens",
    load: async () => (await import("./commands/events.ts")).command,
  },
  {
    path: ["node", "preflight"],
    summary: "see which sandboxes work on this machine, and how to get what is missing",
    load: async () => (await import("./commands/node-preflight.ts")).command,
  },
  {
    path: ["node", "ls"],
    aliases: ["list"],
    summary: "list the nodes",
    load: async () => (await import("./commands/node-ls.ts")).command,
  },
  {
    path: ["node", "info"],
    aliases: ["show"],
    summary: "describe a node",
    load: async () => (await import("./commands/node-info.ts")).command,
  },
  {
    path: ["node", "lameduck"],
    aliases: ["down"],
    summary: "have other nodes take over what a node runs",
    load: async () => (await import("./commands/node-lameduck.ts")).command,
  },
  {
    path: ["keys", "export"],
    summary: "print the nexus key, with which another node joins",
    load: async () => (await import("./commands/keys-export.ts")).command,
  },
  {
    path: ["image", "build"],
    short: "rootfs",
    summary: "build root file system and kernel for virtual machines",
    load: async () => (await import("./commands/image-build.ts")).command,
  },
  {
    path: ["context", "ls"],
    aliases: ["list"],
    summary: "list the NATS contexts on this machine",
    load: async () => (await import("./commands/context-ls.ts")).command,
  },
  {
    path: ["completion"],
    summary: "print a completion script for bash, zsh or fish",
    load: async () => (await import("./commands/completion.ts")).completionOf({ commands: COMMANDS, nouns: NOUNS }),
  },
];
