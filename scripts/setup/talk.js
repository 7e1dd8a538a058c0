import { VERBOSE } from "./program.js";

/** @param {string} text */
export function say(text) {
  process.stderr.write(`set-up: ${text}\n`);
}

/**
 * Does one step under its title. On a terminal the line shows the seconds while they pass and stays as the result;
 * in a log there is one line, at the beginning.
 * @param {string} title @param {() => Promise<string | void>} work gives back a detail worth telling
 */
export async function showWork(title, work) {
  const began = performance.now();
  const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
  const live = process.stderr.isTTY && !VERBOSE;
  const erase = "\r\u001b[K";
  const ticking = live
    ? setInterval(() => process.stderr.write(`${erase}set-up: ${title} … ${seconds()}`), 100)
    : undefined;
  if (!live) say(`${title} …`);
  try {
    const detail = await work();
    if (live) process.stderr.write(erase);
    if (live || VERBOSE) say(`${title}${detail === undefined ? "" : ` ${detail}`}: done in ${seconds()}`);
  } catch (thrown) {
    if (live) process.stderr.write(erase);
    throw thrown;
  } finally {
    clearInterval(ticking);
  }
}
