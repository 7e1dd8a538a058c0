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

/** Functions by name. One that suspends the guest is an object that only the engine can call. */
export type ImportedFunctions = Record<string, ((...args: never[]) => unknown) | SuspendingFunction>;

/** What an instance is given under one module name. */
export type InstanceImports = ImportedFunctions | Record<string, WasmMemory>;

interface SuspendingFunction {
  readonly [Symbol.toStringTag]: "WebAssembly.Suspending";
}

export type WasmExports = Readonly<Record<string, unknown>>;

interface WebAssemblyApi {
  readonly Module: {
    imports(module: WasmModule): WasmImport[];
    exports(module: WasmModule): WasmExport[];
  };
  readonly Instance: new (
    module: WasmModule,
    imports: Record<string, InstanceImports>,
  ) => { readonly exports: WasmExports };
  readonly Memory: new (size: { readonly initial: number; readonly maximum?: number }) => WasmMemory & {
    grow(pages: number): number;
  };
  /** An import that may give a promise: the guest is suspended until it is settled, the event loop goes on. */
  readonly Suspending: new (work: (...args: never[]) => unknown) => SuspendingFunction;
  /** An export whose call gives a promise, as whatever it calls may suspend it. */
  readonly promising: (exported: () => void) => () => Promise<void>;
  readonly RuntimeError: typeof Error;
  readonly LinkError: typeof Error;
  readonly Exception: new (...args: never[]) => object;
  /** Rejects with a CompileError that names the offset of what is wrong. */
  compile(bytes: Uint8Array<ArrayBuffer>): Promise<WasmModule>;
}

export const WebAssembly: WebAssemblyApi = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi })
  .WebAssembly;
