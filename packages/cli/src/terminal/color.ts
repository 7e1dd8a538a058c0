import type { Environment } from "./environment.ts";

/**
 * Whether an output gets colour. In order of rank: FORCE_COLOR (as Node reads it) and CLICOLOR_FORCE,
 * NO_COLOR (no-color.org), CLICOLOR=0 (bixense.com/clicolors), TERM=dumb, and then whether it is a terminal.
 */
export function wantsColor(env: Environment, isTTY: boolean): boolean {
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  const { CLICOLOR_FORCE: always, NO_COLOR: never, CLICOLOR: wanted, TERM: term } = env;
  if (always !== undefined && always !== "" && always !== "0") return true;
  if (never !== undefined && never !== "") return false;
  if (wanted === "0" || term === "dumb") return false;
  return isTTY;
}
