import { block, type BlockEntry } from "./block.ts";
import { printable, printableJson, printableLines } from "./printable.ts";
import { type ProgressReport, withProgress } from "./progress.ts";
import { type Column, table } from "./table.ts";
import { paint, type Style, type Terminal } from "./terminal.ts";

/**
 * How a command speaks. Data goes to stdout, talk to stderr; with `--json` data is JSON, and of the talk only
 * warnings are left, as one JSON object per line. Text may come from the network: it is made safe here.
 */
export class Printer {
  /** True if the user asked for `--json`. */
  readonly isJson: boolean;
  readonly #terminal: Terminal;

  constructor(terminal: Terminal, isJson: boolean) {
    this.#terminal = terminal;
    this.isJson = isJson;
  }

  /** One whole document; lists as arrays. Indented where a person reads it. */
  json(document: unknown): void {
    this.#terminal.stdout.write(`${printableJson(document, this.#terminal.stdout.isTTY ? 2 : undefined)}\n`);
  }

  /** One object of a stream, on a line of its own. */
  line(object: unknown): void {
    this.#terminal.stdout.write(`${printableJson(object)}\n`);
  }

  /** Text for people. */
  text(text: string): void {
    this.#terminal.stdout.write(`${printableLines(text)}\n`);
  }

  /** Bytes exactly as they are, for the program or file behind stdout. On a terminal they are made safe, and end their line. */
  bytes(data: Uint8Array): void {
    const { stdout } = this.#terminal;
    if (!stdout.isTTY) return stdout.write(data);
    const text = printableLines(new TextDecoder().decode(data));
    stdout.write(text === "" || text.endsWith("\n") ? text : `${text}\n`);
  }

  table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): void {
    const { stdout } = this.#terminal;
    stdout.write(`${table(stdout, rows, columns)}\n`);
  }

  block(title: string, entries: readonly BlockEntry[]): void {
    const { stdout } = this.#terminal;
    stdout.write(`${block(stdout, title, entries)}\n`);
  }

  /** A text with a style, for building lines of one's own; the text is made safe first. Write it with {@link raw}. */
  styled(style: Style, text: string): string {
    return paint(this.#terminal.stdout, style, printable(text));
  }

  /** A line whose parts went through {@link styled} or are ours. */
  raw(line: string): void {
    this.#terminal.stdout.write(`${line}\n`);
  }

  /** Talk. Nothing with `--json`. */
  note(text: string): void {
    if (!this.isJson) this.#terminal.stderr.write(`${printableLines(text)}\n`);
  }

  warn(text: string): void {
    const { stderr } = this.#terminal;
    if (this.isJson) stderr.write(`${printableJson({ warning: { message: text } })}\n`);
    else stderr.write(`${paint(stderr, "yellow", "warning:")} ${printableLines(text)}\n`);
  }

  /** Runs `work`; if it takes more than a second, the user sees that it goes on. */
  async progress<T>(label: string, work: (report: ProgressReport) => Promise<T>): Promise<T> {
    if (this.isJson) return await work({ update: () => undefined });
    return await withProgress(this.#terminal.stderr, label, work);
  }
}
