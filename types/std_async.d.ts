// Types for the modules of `@std/async` that the program uses.

export function delay(
  ms: number,
  options?: { readonly signal?: AbortSignal; readonly persistent?: boolean },
): Promise<void>;
