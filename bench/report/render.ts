import { stripVTControlCharacters, styleText } from "node:util";
import { decisive, type Figure, isTargetMet } from "../figures/figure.ts";
import type { Spread } from "../figures/spread.ts";
import { compare } from "./comparison.ts";
import type { MachineFacts } from "./machine.ts";
import type { Results, SuiteResult } from "./results.ts";

export function renderMachine({ cpu, cores, node, natsServer, platform, commit, loadBefore }: MachineFacts): string {
  const parts = [
    `${cores} × ${cpu}`,
    platform,
    `Node ${node}`,
    `nats-server ${natsServer}`,
    ...(commit === "" ? [] : [`commit ${commit}`]),
    `load before ${loadBefore}`,
  ];
  return styleText("dim", parts.join(" · "));
}

/** A suite's figures as a table; against `earlier` results if there are any. */
export function renderSuite({ name, title, figures }: SuiteResult, earlier: Results | undefined): string {
  const compared = figures.some(({ reference }) => reference !== undefined);
  const repeated = figures.some(({ measured }) => measured.count > 1);
  const titles = compared ? ["bare NATS", "Nex", "ratio", "min–max"] : repeated ? ["median", "min–max"] : ["once"];
  const rows = figures.map((figure) => [
    figure.title,
    ...(compared ? comparedCells(figure) : plainCells(figure, repeated)),
    targetCell(figure),
    ...(earlier === undefined ? [] : changeCells(earlier, name, figure)),
  ]);
  const heads = ["", ...titles, "target", ...(earlier === undefined ? [] : ["before", "change"])];
  return `${styleText("bold", name)}  ${title}\n${layOut([heads.map((head) => styleText("dim", head)), ...rows])}`;
}

export function renderTargets(suites: readonly SuiteResult[]): string {
  const outcomes = suites.flatMap(({ figures }) => figures.map(isTargetMet)).filter((met) => met !== undefined);
  const met = outcomes.filter(Boolean).length;
  const text = `${met} of ${outcomes.length} targets reached`;
  return styleText(met === outcomes.length ? "green" : "red", text);
}

function comparedCells({ reference, measured, ratio, unit }: Figure): string[] {
  return [
    reference === undefined ? "" : quantity(reference.median, unit),
    quantity(measured.median, unit),
    ratio === undefined ? "" : ratio.median.toFixed(2),
    ratio === undefined ? "" : range(ratio, (value) => value.toFixed(2)),
  ];
}

function plainCells({ measured, unit }: Figure, repeated: boolean): string[] {
  return [quantity(measured.median, unit), ...(repeated ? [range(measured, digits)] : [])];
}

function targetCell(figure: Figure): string {
  const isMet = isTargetMet(figure);
  if (figure.target === undefined || isMet === undefined) return "";
  const limit = figure.ratio === undefined ? `${figure.target} ${figure.unit}` : String(figure.target);
  const text = `${figure.better === "lower" ? "≤" : "≥"} ${limit}`;
  return `${text} ${isMet ? styleText("green", "✓") : styleText("red", "✗")}`;
}

function changeCells(earlier: Results, suite: string, figure: Figure): string[] {
  const comparison = compare(earlier, suite, figure);
  if (comparison === undefined) return ["", "new"];
  const { before, change, verdict } = comparison;
  const value = decisive(before).median;
  const text = `${change < 0 ? "−" : "+"}${Math.abs(change * 100).toFixed(0)} %`;
  const color = verdict === "worse" ? "red" : "green";
  return [
    before.ratio === undefined ? quantity(value, before.unit) : value.toFixed(2),
    verdict === "same" ? text : styleText(color, `${text} ${verdict}`),
  ];
}

function quantity(value: number, unit: string): string {
  return `${digits(value)} ${unit}`;
}

/** Three digits where the value has that few; larger ones whole. */
function digits(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString("en-US");
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function range({ min, max }: Spread, show: (value: number) => string): string {
  return `${show(min)}–${show(max)}`;
}

/** The first column to the left, numbers to the right. */
function layOut(rows: readonly (readonly string[])[]): string {
  const width = (text: string): number => stripVTControlCharacters(text).length;
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => width(row[column] ?? ""))));
  const pad = (text: string, column: number): string => {
    const blanks = " ".repeat(widths[column]! - width(text));
    return column === 0 ? text + blanks : blanks + text;
  };
  return rows.map((row) => `  ${row.map(pad).join("   ").trimEnd()}`).join("\n");
}
