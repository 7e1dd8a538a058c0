/**
 * The parts of the WebAssembly JavaScript API that the runner uses. TypeScript has their types only among those of
 * browsers, and the types of Node leave them out.
 */
export interface WasmModule {
  readonly [Symbol.toStringTag]: "WebAssembly.Module";
}

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

export interface WasmExport {
  readonly name: string;
  readonly kind: "function" | "global" | "memory" | "table" | "tag";
}

export interface WasmImport extends WasmExport {
  readonly module: string;
}

/** Functions by name. */
export type ImportedFunctions = Record<string, (...args: never[]) => number>;

export type WasmExports = Readonly<Record<string, unknown>>;

interface WebAssemblyApi {
  readonly Module: {
    imports(module: WasmModule): WasmImport[];
    exports(module: WasmModule): WasmExport[];
  };
  readonly Instance: new (
    module: WasmModule,
    imports: Record<string, ImportedFunctions>,
  ) => { readonly exports: WasmExports };
  readonly Memory: new (size: { readonly initial: number; readonly maximum?: number }) => WasmMemory & {
    grow(pages: number): number;
  };
  readonly RuntimeError: typeof Error;
  readonly LinkError: typeof Error;
  readonly Exception: new (...args: never[]) => object;
  /** Rejects with a CompileError that names the offset of what is wrong. */
  compile(bytes: Uint8Array<ArrayBuffer>): Promise<WasmModule>;
}

export const WebAssembly: WebAssemblyApi = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi })
  .WebAssembly;
