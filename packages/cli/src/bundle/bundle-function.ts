import { basename, dirname, extname, join, normalize, resolve } from "node:path";
import type * as esbuildModule from "esbuild";
import type { BuildOptions, BuildResult, Metafile, OutputFile } from "esbuild";
import { NexError } from "@nex/protocol";
import { buildFailure, isBuildFailure, warningText } from "./build-failure.ts";
import { missingDefaultExport, notAFunction } from "./default-export.ts";
import { examineScript } from "./script-form.ts";
import { checkSize, readSourceFile } from "./source-file.ts";

type Esbuild = typeof esbuildModule;
type Built = BuildResult & { readonly metafile: Metafile; readonly outputFiles: OutputFile[] };

/** A JavaScript function as it is deployed. */
export interface FunctionBundle {
  readonly kind: "javascript";
  /** `module`: one ES module with an inline source map. `script`: the user's file, byte for byte. */
  readonly form: "module" | "script";
  readonly source: Uint8Array;
  readonly warnings: readonly string[];
}

/**
 * Makes one artifact of a function's file: TypeScript and JavaScript with what they import become one ES module;
 * CommonJS gets its `module.exports` as default export; the script form of 0.2.7 stays as it is. The source map
 * names files relative to the directory of `file`, so that stack traces read as `fn.ts:12:5`.
 * @param file as the user typed it: errors name it so
 * @throws NexError `file_not_found`, `invalid_artifact` with `data.file`, `line` and `column`, `too_large`, `missing_tool`
 */
export async function bundleFunction(file: string): Promise<FunctionBundle> {
  const { bytes, text, extension } = readSourceFile(file);
  const esbuild = await loadEsbuild();
  const shown = normalize(file);
  const script = extension === ".js" || extension === ".cjs" ? await examineScript(text, esbuild) : undefined;
  const asScript = (): FunctionBundle => {
    if (script?.hasValue === true) return { kind: "javascript", form: "script", source: bytes, warnings: [] };
    throw missingDefaultExport(shown, text, []);
  };
  if (script?.mentionsCommonJs === false) return asScript();
  const built = await build(esbuild, shown, { entryPoints: [resolve(file)] });
  if (isCommonJs(built)) return checked(shown, text, await build(esbuild, shown, { stdin: commonJsEntry(shown) }));
  return script === undefined ? checked(shown, text, built) : asScript();
}

function isCommonJs({ metafile }: Built): boolean {
  const [output] = Object.values(metafile.outputs);
  return output?.entryPoint !== undefined && metafile.inputs[output.entryPoint]?.format === "cjs";
}

function checked(file: string, text: string, built: Built): FunctionBundle {
  const [output] = Object.values(built.metafile.outputs);
  const exports = output?.exports ?? [];
  if (!exports.includes("default")) throw missingDefaultExport(file, text, exports);
  const { contents, text: bundle } = built.outputFiles[0]!;
  checkSize(file, contents.byteLength);
  const refused = notAFunction(file, text, bundle);
  if (refused !== undefined) throw refused;
  return {
    kind: "javascript",
    form: "module",
    source: contents,
    warnings: built.warnings.map((warning) => warningText(warning, file)),
  };
}

/** What transpilers mark with `__esModule` has its default export inside; everything else is itself the export. */
function commonJsEntry(file: string): NonNullable<BuildOptions["stdin"]> {
  const contents = `import found from ${JSON.stringify(`./${basename(file)}`)};\nexport default found?.__esModule ? found.default : found;\n`;
  return { contents, resolveDir: resolve(dirname(file)), sourcefile: "nex-entry.js", loader: "js" };
}

/** CommonJS packages call `require` for Node's own modules; an ES module has none, so it gets one. */
const REQUIRE =
  'import { createRequire as nexCreateRequire } from "node:module";\nvar require = nexCreateRequire("/");';

async function build(esbuild: Esbuild, file: string, entry: BuildOptions): Promise<Built> {
  const directory = resolve(dirname(file));
  const options = {
    ...entry,
    absWorkingDir: directory,
    outfile: join(directory, `${basename(file, extname(file))}.nex-bundle.mjs`),
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    target: "node26",
    format: "esm",
    charset: "utf8",
    sourcemap: "inline",
    // The user has the sources; the artifact needs no second copy of them.
    sourcesContent: false,
    logLevel: "silent",
  } as const satisfies BuildOptions;
  try {
    const built = await esbuild.build(options);
    const requires = Object.values(built.metafile.outputs).some(({ imports }) =>
      imports.some(({ kind, external }) => kind === "require-call" && external === true),
    );
    return requires ? await esbuild.build({ ...options, banner: { js: REQUIRE } }) : built;
  } catch (error) {
    if (isBuildFailure(error)) throw buildFailure(error, file);
    throw toolMissing(error);
  }
}

async function loadEsbuild(): Promise<Esbuild> {
  try {
    return await import("esbuild");
  } catch (error) {
    throw toolMissing(error);
  }
}

function toolMissing(cause: unknown): NexError {
  return new NexError(
    "missing_tool",
    `The bundler esbuild does not start: ${String(cause)}. Install nex again with: npm install --include=optional`,
    { cause },
  );
}
