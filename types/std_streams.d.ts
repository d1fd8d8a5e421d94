// Types for the modules of `@std/streams` that the program uses.

export class LimitedBytesTransformStream
  extends TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  constructor(size: number, options?: { readonly error?: boolean });
}
export function toText(stream: ReadableStream): Promise<string>;
