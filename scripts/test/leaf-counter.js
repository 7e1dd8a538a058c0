import path from "node:path";

/** @typedef {import("node:test/reporters").TestEvent} TestEvent */

/**
 * Counts the tests of a run that hold no other tests. Events come file by file and in the order of the tests' text,
 * a parent's start before its children and its result after them.
 */
export class LeafCounter {
  passed = 0;
  failed = 0;
  skipped = 0;
  /** Test files without a test. @type {string[]} */
  empty = [];

  /** For each open test, outermost first, whether it has held another one. @type {boolean[]} */
  #hasChildren = [];
  #root;
  #filtered;

  /** @param {string} root of the clone @param {boolean} filtered by name, so that files may be empty */
  constructor(root, filtered) {
    this.#root = root;
    this.#filtered = filtered;
  }

  /** @param {TestEvent} event */
  see(event) {
    if (event.type === "test:start") this.#start(event.data.nesting);
    else if (event.type === "test:pass") this.#pass(event.data);
    else if (event.type === "test:fail") this.#fail(event.data);
  }

  /** @param {number} nesting */
  #start(nesting) {
    this.#hasChildren.length = nesting + 1;
    this.#hasChildren[nesting] = false;
    if (nesting > 0) this.#hasChildren[nesting - 1] = true;
  }

  /** @param {import("node:test").EventData.TestPass} data */
  #pass({ name, nesting, details, skip, todo }) {
    if (details.type === "suite" || this.#hasChildren[nesting] === true) return;
    // The file itself stands as a test where nothing in it does.
    if (nesting === 0 && path.isAbsolute(name) && name.endsWith(".test.ts")) {
      if (!this.#filtered) this.empty.push(path.relative(this.#root, name));
    } else if (isSet(skip) || isSet(todo)) this.skipped++;
    else this.passed++;
  }

  /** @param {import("node:test").EventData.TestFail} data */
  #fail({ nesting, details, todo }) {
    const isParent = details.type === "suite" || this.#hasChildren[nesting] === true;
    // The failed child has been counted. A parent that failed by itself, in a hook say, counts.
    const { failureType } = /** @type {Error & { failureType?: string }} */ (details.error);
    if (isParent && failureType === "subtestsFailed") return;
    if (isSet(todo)) this.skipped++;
    else this.failed++;
  }
}

/** @param {string | boolean | undefined} mark with its reason, if one was given */
function isSet(mark) {
  return mark !== undefined && mark !== false;
}
