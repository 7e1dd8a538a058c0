import { arch, availableParallelism, platform } from "node:os";
import type { ControlContext } from "../context.ts";

/** Words of Go for architectures and systems, as 0.2.7's clients ask for them. */
const GO_ARCH: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
const GO_OS: Readonly<Record<string, string>> = { win32: "windows" };

/** What a node says of itself in lists and auctions, and is chosen by. */
export function nodeTags(
  { config, sandbox }: Pick<ControlContext, "config" | "sandbox">,
  isLameDuck: boolean,
): Record<string, string> {
  return {
    ...config.tags,
    "nex.os": GO_OS[platform()] ?? platform(),
    "nex.arch": GO_ARCH[arch()] ?? arch(),
    "nex.cpucount": String(availableParallelism()),
    "nex.sandbox": sandbox.name,
    ...(!sandbox.isBoundary ? { "nex.unsafe": "true" } : {}),
    ...(isLameDuck ? { "nex.lameduck": "true" } : {}),
  };
}
