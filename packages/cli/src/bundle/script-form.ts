import { Script } from "node:vm";
import type * as esbuildModule from "esbuild";

type Esbuild = typeof esbuildModule;

export interface ClassicScript {
  /** Its last statement is an expression: the value of the script, in the script form the function. */
  readonly hasValue: boolean;
  /** It names what a CommonJS module uses. Whether it is one, the bundler knows. */
  readonly mentionsCommonJs: boolean;
}

/**
 * Looks at a file as a classic script, to tell the script form of 0.2.7 from what only looks like it. Nothing is
 * executed: the file is the user's, but its place to run is a sandbox.
 * @returns `undefined` if the source is no classic script: a module, or not JavaScript at all
 */
export async function examineScript(text: string, esbuild: Esbuild): Promise<ClassicScript | undefined> {
  if (!compiles(text)) return undefined;
  const statements = await withoutComments(text, esbuild);
  return {
    hasValue: endsInExpression(statements),
    mentionsCommonJs: /\b(?:module|exports|require)\b/.test(statements),
  };
}

/** True if a script's last statement has a value: only then can a comma and one more expression follow it. */
function endsInExpression(statements: string): boolean {
  return statements !== "" && compiles(`${statements}\n,0`);
}

async function withoutComments(text: string, esbuild: Esbuild): Promise<string> {
  try {
    const { code } = await esbuild.transform(text, {
      loader: "js",
      minifyWhitespace: true,
      legalComments: "none",
      logLevel: "silent",
    });
    return code.replace(/[;\s]+$/, "");
  } catch {
    // V8 takes it and esbuild does not: some old form, taken as it is.
    return text;
  }
}

function compiles(source: string): boolean {
  try {
    void new Script(source);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
