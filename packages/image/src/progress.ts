/** A step of a build that has ended. */
export interface BuildStep {
  readonly title: string;
  /** ms */
  readonly took: number;
}

export interface BuildListener {
  /** A step begins. */
  readonly onStart?: (title: string) => void;
  /** A step has succeeded. */
  readonly onStep?: (step: BuildStep) => void;
}

/** Runs one step and tells about it. */
export async function step<T>(listener: BuildListener, title: string, work: () => Promise<T> | T): Promise<T> {
  const began = performance.now();
  listener.onStart?.(title);
  const result = await work();
  listener.onStep?.({ title, took: performance.now() - began });
  return result;
}
