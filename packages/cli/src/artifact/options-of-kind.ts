import { NexError, type WorkloadKind } from "@nex/protocol";

/** Options of `nex run` that one sort of workload has no use for, by their names in the code. */
const FOR_FUNCTIONS = {
  triggers: "--trigger",
  allowAllSubjects: "--allow-all-subjects",
  deadline: "--deadline",
  maxInFlight: "--max-in-flight",
  maxWaiting: "--max-waiting",
} as const;
const FOR_SERVICES = { essential: "--essential", argv: "--argv" } as const;

/** An option without effect would mislead. @throws NexError `usage` */
export function checkOptionsOf(kind: WorkloadKind, options: Readonly<Record<string, unknown>>): void {
  const isService = kind === "elf";
  for (const [name, flag] of Object.entries(isService ? FOR_FUNCTIONS : FOR_SERVICES)) {
    if (!isGiven(options[name])) continue;
    const [of, is] = isService ? ["functions", "a service (elf)"] : ["services", `a function (${kind})`];
    throw new NexError(
      "usage",
      `${flag} is for ${of}, and this is ${is}. Leave it out, or say what the file is with --type.`,
      {
        data: { command: "nex run" },
      },
    );
  }
}

function isGiven(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
}
