// Types for the modules of `@std/bytes` that the program uses.

export function concat(buffers: readonly Uint8Array[]): Uint8Array<ArrayBuffer>;
