import path from "node:path";

/** @typedef {import("node:test/reporters").TestEvent} TestEvent */

/**
 * Ends test files that do not end. Node's own timeout is for single tests: a file whose tests have all passed but
 * which left a socket or a timer open would keep the run waiting for ever.
 */
export class FileDeadline {
  #root;
  #timeoutMs;
  #processes;
  /** @type {Map<string, NodeJS.Timeout>} */
  #running = new Map();

  /**
   * @param {string} root of the clone @param {(file: string) => number} timeoutMs
   * @param {import("./process-watch.js").ProcessWatch} processes
   */
  constructor(root, timeoutMs, processes) {
    this.#root = root;
    this.#timeoutMs = timeoutMs;
    this.#processes = processes;
  }

  /** @param {TestEvent} event */
  see({ type, data }) {
    // A file is the test of its own path; those inside it have names.
    if ((type !== "test:dequeue" && type !== "test:complete") || !path.isAbsolute(data.name)) return;
    clearTimeout(this.#running.get(data.name));
    this.#running.delete(data.name);
    if (type === "test:dequeue") {
      this.#running.set(
        data.name,
        setTimeout(() => this.#expire(data.name), this.#timeoutMs(data.name)),
      );
    }
  }

  /** @param {string} file */
  #expire(file) {
    const name = path.relative(this.#root, file);
    process.stdout.write(
      `✖ ${name} did not end within ${this.#timeoutMs(file) / 1000} s: a test waits, or left something open\n`,
    );
    for (const child of this.#processes.children()) {
      if (child.command.split(" ").includes(file)) this.#processes.kill(child);
    }
  }
}
