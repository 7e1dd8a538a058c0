import type { System } from "../system.ts";

/** The function that stands against the bare echo: it does nothing but answer what it was sent. */
export const ECHO_FUNCTION = "export default (event) => event.bytes();\n";

const SUBJECT = "bench.function";

/** Deploys the echo function, waits until the node has its pool full again, and returns the function's subject. */
export async function deployEcho(system: System): Promise<string> {
  await system.deploy({ name: "echo", subject: SUBJECT, source: ECHO_FUNCTION });
  await system.whenCalm();
  return SUBJECT;
}
