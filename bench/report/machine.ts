import { spawnSync } from "node:child_process";
import { cpus, loadavg, totalmem } from "node:os";

/** What one must know to judge absolute figures. Says nothing that names the machine. */
export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly platform: string;
  readonly node: string;
  readonly natsServer: string;
  /** Of the clone, with `+` if files were changed since; empty outside a clone. */
  readonly commit: string;
  /** When the run began, ISO 8601. */
  readonly date: string;
  /** Mean number of processes that ran or wanted to in the minute before the run. */
  readonly loadBefore: number;
}

export function machineFacts(natsServer: string, loadBefore: number): MachineFacts {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryGb: Math.round(totalmem() / 1e9),
    platform: `${process.platform}-${process.arch}`,
    node: process.versions.node,
    natsServer,
    commit: commit(),
    date: new Date().toISOString(),
    loadBefore,
  };
}

export function loadAverage(): number {
  return Math.round((loadavg()[0] ?? 0) * 100) / 100;
}

function commit(): string {
  const head = git("rev-parse", "--short", "HEAD");
  if (head === "") return "";
  return git("status", "--porcelain", "--untracked-files=no") === "" ? head : `${head}+`;
}

function git(...args: string[]): string {
  const { status, stdout } = spawnSync("git", args, { cwd: import.meta.dirname, encoding: "utf8" });
  return status === 0 ? stdout.trim() : "";
}
