import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Top of the work tree. The same from `src` and from `dist`. */
export const REPOSITORY: string = fileURLToPath(new URL("../../../", import.meta.url));

export interface AgentPrograms {
  readonly agent: string;
  readonly runner: string;
}

/** Paths of the two bundles that `npm run build` makes of packages/agent. */
export function agentPrograms(): AgentPrograms {
  const dist = join(REPOSITORY, "packages", "agent", "dist");
  const programs = { agent: join(dist, "nex-agent.cjs"), runner: join(dist, "nex-runner.cjs") };
  for (const path of Object.values(programs)) {
    if (!existsSync(path)) throw new Error(`${path} is not there. Build it with: npm run build`);
  }
  return programs;
}

/** The first existing of: the path named by NEX_NATS_SERVER, .tools, PATH, the usual sbin directories. */
export function natsServerProgram(): string {
  const named = process.env["NEX_NATS_SERVER"];
  if (named !== undefined && named !== "") return named;
  const directories = [
    join(REPOSITORY, ".tools", "usr", "sbin"),
    ...(process.env["PATH"] ?? "").split(delimiter),
    "/usr/sbin",
    "/usr/local/sbin",
  ];
  const found = directories.map((directory) => join(directory, "nats-server")).find((path) => existsSync(path));
  if (found === undefined) {
    throw new Error(
      "nats-server was not found. Install it with: sudo apt-get install --no-install-recommends nats-server",
    );
  }
  return found;
}

/** The bubblewrap that set-up has put into .tools; `undefined` if there is none, and the system's is to be used. */
export function bubblewrapProgram(): string | undefined {
  const fetched = join(REPOSITORY, ".tools", "bubblewrap", "usr", "bin", "bwrap");
  return existsSync(fetched) ? fetched : undefined;
}
