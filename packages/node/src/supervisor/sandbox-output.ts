import type { OutputKind } from "@nex/sandboxes";

/** Of what a sandbox says before it has an owner, lines kept. */
const KEPT_LINES = 20;

const LONGEST_LINE = 500;

/** What a sandbox says outside its workload: at first kept, to explain a start that fails; later told to its owner. */
export class SandboxOutput {
  readonly #said: { readonly line: string; readonly kind: OutputKind }[] = [];
  #tell: ((line: string) => void) | undefined;

  add(text: string, kind: OutputKind = "trouble"): void {
    const line = text.slice(0, LONGEST_LINE);
    if (this.#tell === undefined) {
      this.#said.push({ line, kind });
      if (this.#said.length > KEPT_LINES) this.#said.shift();
    } else if (kind === "trouble") this.#tell(line);
  }

  /** What was said so far and is no routine is told now, all that comes later as it comes. */
  forwardTo(tell: (line: string) => void): void {
    this.#tell = tell;
    for (const { line, kind } of this.#said.splice(0)) if (kind === "trouble") tell(line);
  }

  /** For the end of an error's message. */
  explain(): string {
    return this.#said.length === 0 ? "" : ` It said: ${this.#said.map(({ line }) => line).join(" / ")}`;
  }
}
