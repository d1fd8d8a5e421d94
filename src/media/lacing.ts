/**
 * Several frames in one block of Matroska: RFC 9559 clause 10.3.
 *
 * @module
 */
import { readVint } from "./ebml.ts";

/** Bits of a block's flags that say how its frames are laced, clause 10.1; 0 where they are not. */
export const LACING = 0x06;
const XIPH = 0x02;
const FIXED = 0x04;

/** Sizes of the frames in a block, and where the first of them begins. */
export interface Lace {
  readonly start: number;
  readonly sizes: readonly number[];
}

/**
 * Reads the sizes that stand at `at` in a block of which these are the first bytes; `undefined`
 * where they are not all there, or do not fit in `bytes`, the size of the whole block.
 */
export function readLace(
  view: DataView,
  { at, flags, bytes }: { readonly at: number; readonly flags: number; readonly bytes: number },
): Lace | undefined {
  if (at >= view.byteLength) return undefined;
  const count = view.getUint8(at) + 1;
  if ((flags & LACING) === FIXED) {
    const size = (bytes - at - 1) / count;
    const isWhole = Number.isInteger(size) && size > 0;
    return isWhole
      ? { start: at + 1, sizes: Array.from({ length: count }, () => size) }
      : undefined;
  }
  const next = (flags & LACING) === XIPH ? xiphSize : ebmlSize;
  const sizes: number[] = [];
  let start = at + 1;
  // The last frame has what is left.
  while (sizes.length < count - 1) {
    const size = next(view, start, sizes.at(-1));
    if (size === undefined || size.value < 0) return undefined;
    sizes.push(size.value);
    start = size.end;
  }
  const last = bytes - start - sizes.reduce((sum, size) => sum + size, 0);
  return last < 0 ? undefined : { start, sizes: [...sizes, last] };
}

type Size = { readonly value: number; readonly end: number } | undefined;

/** Clause 10.3.2: bytes of 255, and one below that. */
function xiphSize(view: DataView, at: number): Size {
  let value = 0;
  for (let end = at; end < view.byteLength;) {
    const byte = view.getUint8(end++);
    value += byte;
    if (byte < 255) return { value, end };
  }
  return undefined;
}

/** Clause 10.3.3: a size, and then differences to the size before. */
function ebmlSize(view: DataView, at: number, before: number | undefined): Size {
  const size = readVint(view, at);
  if (size?.value === undefined) return undefined;
  if (before === undefined) return { value: size.value, end: size.end };
  const middle = 2 ** (7 * (size.end - at) - 1) - 1;
  return { value: before + size.value - middle, end: size.end };
}
