import { NexError } from "../errors.ts";

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;
const MILLISECONDS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Reads `250ms`, `5s`, `1.5m`, `2h` as whole milliseconds. @throws NexError `invalid_request` */
export function parseDuration(text: string): number {
  const found = DURATION.exec(text.trim());
  const value = Math.round(Number(found?.[1]) * MILLISECONDS[found?.[2] as keyof typeof MILLISECONDS]);
  if (Number.isSafeInteger(value)) return value;
  const shown = text.slice(0, 80);
  throw new NexError(
    "invalid_request",
    `"${shown}" is not a duration: write a number and a unit, such as 250ms, 5s or 2m.`,
    { data: { value: shown } },
  );
}

const SIZE = /^(\d+(?:\.\d+)?)\s*(B|kB|KB|MB|GB|KiB|MiB|GiB|K|M|G)?$/;
const BYTES = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
} as const;

/** Reads `128MiB`, `1GB`, `4096` as bytes. @throws NexError `invalid_request` */
export function parseSize(text: string): number {
  const found = SIZE.exec(text.trim());
  const value = Math.round(Number(found?.[1]) * BYTES[(found?.[2] ?? "B") as keyof typeof BYTES]);
  if (Number.isSafeInteger(value)) return value;
  const shown = text.slice(0, 80);
  throw new NexError(
    "invalid_request",
    `"${shown}" is not a size: write a number and a unit, such as 64KiB, 128MiB or 1GB.`,
    { data: { value: shown } },
  );
}

/** Bytes for people: `17 B`, `1.5 KiB`, `16 MiB`. */
export function formatSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  // Compared after rounding, so that 1048575 reads 1 MiB and not 1024 KiB.
  while (Number(value.toFixed(1)) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number(value.toFixed(1))} ${units[unit]}`;
}

/** Uptime as 0.2.7 writes it: whole seconds, leading zero units left out, such as `3m2s` or `2d1h0m0s`. */
export function formatUptime(milliseconds: number): string {
  // A clock set back must not show a negative uptime.
  let rest = Math.max(0, Math.floor(milliseconds / 1000));
  const parts: string[] = [];
  for (const [unit, seconds] of [
    ["y", 31_536_000],
    ["d", 86_400],
    ["h", 3600],
    ["m", 60],
    ["s", 1],
  ] as const) {
    const count = Math.floor(rest / seconds);
    rest -= count * seconds;
    if (count > 0 || parts.length > 0 || unit === "s") parts.push(`${count}${unit}`);
  }
  return parts.join("");
}
