import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";

const ROOT = path.resolve(import.meta.dirname, "..");

/** Which packages of ours each one may use. Imports go one way; `docs/architecture.md` says why. */
const MAY_USE: Readonly<Record<string, readonly string[]>> = {
  "@nex/protocol": [],
  "@nex/link": ["@nex/protocol"],
  "@nex/functions": ["@nex/protocol"],
  "@nex/host-services": ["@nex/functions", "@nex/link", "@nex/protocol"],
  "@nex/agent": ["@nex/functions", "@nex/host-services", "@nex/link", "@nex/protocol"],
  "@nex/system": [],
  "@nex/sandboxes": ["@nex/protocol", "@nex/system"],
  "@nex/embedded-nats": ["@nex/protocol", "@nex/system"],
  "@nex/node": [
    "@nex/embedded-nats",
    "@nex/host-services",
    "@nex/link",
    "@nex/protocol",
    "@nex/sandboxes",
    "@nex/system",
  ],
  "@nex/client": ["@nex/protocol"],
  "@nex/image": ["@nex/protocol"],
  nex: ["@nex/client", "@nex/image", "@nex/node", "@nex/protocol"],
};

/** Never shipped: these may use everything. */
const FREE = /^@nex\/(testing|example-.+)$/;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

interface Workspace extends Manifest {
  /** From the root of the repository, such as `packages/link`. */
  readonly directory: string;
}

interface Import {
  readonly file: string;
  readonly specifier: string;
}

const workspaces: readonly Workspace[] = globSync(["packages/*/package.json", "examples/*/package.json"], { cwd: ROOT })
  .sort()
  .map((file) => ({ ...readJson<Manifest>(file), directory: path.dirname(file) }));
const packages = workspaces.filter(({ directory }) => directory.startsWith("packages/"));
const names = new Set(workspaces.map(({ name }) => name));

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(path.join(ROOT, file), "utf8")) as T;
}

function ownDependencies({ dependencies = {} }: Manifest): string[] {
  return Object.keys(dependencies).filter((name) => names.has(name));
}

function importsBelow(directory: string, folder: string): Import[] {
  const files = globSync(`${directory}/${folder}/**/*.ts`, {
    cwd: ROOT,
    exclude: ["**/fixtures/**", "**/node_modules/**"],
  });
  return files.flatMap((file) =>
    specifiersIn(readFileSync(path.join(ROOT, file), "utf8")).map((specifier) => ({ file, specifier })),
  );
}

/** Statements begin a line; what stands in a comment or a template does not. */
function specifiersIn(source: string): string[] {
  const statements = source.matchAll(/^(?:import|export)\b(?:[^;"'`]*?\bfrom)?\s*["']([^"']+)["']/gm);
  const calls = source.matchAll(/^(?!\s*(?:\*|\/\/)).*\bimport\(\s*["']([^"']+)["']/gm);
  return [...statements, ...calls].map(([, specifier]) => specifier ?? "");
}

/** `@nex/functions/internal` → `@nex/functions`. */
function packageOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

describe("architecture", () => {
  it("finds imports where they are, and only there", () => {
    const source = [
      'import "./side-effect.ts";',
      'import type { A } from "a";',
      "import {\n  b,\n  c,\n} from '@nex/b';",
      'export { d } from "d/door";',
      ' * import { e } from "comment";',
      'const f = await import("f");',
      '  // await import("comment");',
      'const text = `\n  import g from "template";`;',
    ].join("\n");
    assert.deepEqual(specifiersIn(source), ["./side-effect.ts", "a", "@nex/b", "d/door", "f"]);
  });

  for (const workspace of packages) {
    it(`lets ${workspace.name} depend on packages below it only`, () => {
      if (FREE.test(workspace.name)) return;
      const allowed = MAY_USE[workspace.name];
      assert.ok(allowed, `${workspace.name} has no place in the table of this test; give it one`);
      assert.deepEqual(
        ownDependencies(workspace).filter((name) => !allowed.includes(name)),
        [],
      );
    });
  }

  it("has sources import only what their package depends on", () => {
    const wrong = packages.flatMap((workspace) => {
      const known = [workspace.name, ...ownDependencies(workspace)];
      return importsBelow(workspace.directory, "src").filter(({ specifier }) => {
        const name = packageOf(specifier);
        return names.has(name) && (!known.includes(name) || name === workspace.name);
      });
    });
    assert.deepEqual(wrong, []);
  });

  it("goes into packages through their doors", () => {
    const doors = new Set(
      workspaces.flatMap(({ name, exports = {} }) => Object.keys(exports).map((door) => path.posix.join(name, door))),
    );
    const imports = workspaces.flatMap(({ directory }) => importsBelow(directory, "**"));
    assert.ok(imports.length > 0);
    assert.deepEqual(
      imports.filter(({ specifier }) => names.has(packageOf(specifier)) && !doors.has(specifier)),
      [],
    );
  });

  it("has no circles of imports", () => {
    for (const { directory } of packages) {
      const imports = importsBelow(directory, "src").filter(({ specifier }) => specifier.startsWith("."));
      const used = Map.groupBy(imports, ({ file }) => file);
      const done = new Set<string>();
      const visit = (file: string, way: readonly string[]): void => {
        assert.ok(!way.includes(file), [...way.slice(way.indexOf(file)), file].join(" → "));
        if (done.has(file)) return;
        for (const { specifier } of used.get(file) ?? [])
          visit(path.posix.join(path.posix.dirname(file), specifier), [...way, file]);
        done.add(file);
      };
      for (const file of used.keys()) visit(file, []);
    }
  });

  it("keeps relative imports inside their package, with the extension that Node wants", () => {
    const wrong = workspaces.flatMap(({ directory }) =>
      importsBelow(directory, "**").filter(({ file, specifier }) => {
        if (!specifier.startsWith(".")) return false;
        const target = path.posix.join(path.posix.dirname(file), specifier);
        const isTest = file.startsWith(`${directory}/test/`);
        // A test may check what the repository's own scripts write.
        const isInside = target.startsWith(`${directory}/`) || (isTest && target.startsWith("scripts/"));
        return !isInside || !/\.(ts|js|json)$/.test(specifier);
      }),
    );
    assert.deepEqual(wrong, []);
  });

  it("keeps src free of tests and of what only tests use", () => {
    const wrong = packages.flatMap(({ directory, name }) =>
      FREE.test(name)
        ? []
        : importsBelow(directory, "src").filter(({ specifier }) =>
            /^(@nex\/testing|node:test|fast-check)/.test(specifier),
          ),
    );
    assert.deepEqual(wrong, []);
  });

  it("compiles every package after those it depends on", () => {
    const root = readJson<{ references: { path: string }[] }>("tsconfig.json").references.map(
      (reference) => reference.path,
    );
    const directoryOf = new Map(packages.map(({ name, directory }) => [name, directory]));
    for (const workspace of packages) {
      assert.ok(root.includes(workspace.directory), `tsconfig.json does not refer to ${workspace.directory}`);
      const { references = [] } = readJson<{ references?: { path: string }[] }>(`${workspace.directory}/tsconfig.json`);
      assert.deepEqual(
        references.map((reference) => path.posix.join(workspace.directory, reference.path)).sort(),
        ownDependencies(workspace)
          .map((name) => directoryOf.get(name) ?? name)
          .sort(),
        `${workspace.directory}/tsconfig.json refers to other packages than its package.json`,
      );
    }
  });

  it("gives all packages one version, and asks for exactly that one", () => {
    const { version } = readJson<Manifest>("package.json");
    for (const workspace of workspaces) {
      assert.equal(workspace.version, version, workspace.name);
      for (const name of ownDependencies(workspace))
        assert.equal(workspace.dependencies?.[name], version, `${workspace.name} on ${name}`);
    }
  });

  it("has no drawer for what found no place", () => {
    const drawers = /(^|\/)(utils?|helpers?|common|misc|shared)(\/|\.ts$)/;
    const files = globSync("{packages,examples}/*/{src,test}/**/*.ts", { cwd: ROOT });
    assert.deepEqual(
      files.filter((file) => drawers.test(file)),
      [],
    );
  });

  it("has a source behind every door", () => {
    const sources = packages.flatMap(({ directory, exports = {} }) =>
      Object.values(exports).map((door) => path.posix.join(directory, door["@nex/source"] ?? "nowhere")),
    );
    assert.deepEqual(
      sources.filter((file) => !existsSync(path.join(ROOT, file))),
      [],
    );
  });
});
