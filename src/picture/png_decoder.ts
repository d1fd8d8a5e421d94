/**
 * Reads PNG images (ISO/IEC 15948) whose bytes nobody vouches for: what is unpacked is bounded by
 * the picture's size, and that by the caller.
 *
 * @module
 */
import { StreamError } from "../errors.ts";
import type { Picture } from "./rgb.ts";

/** Unpacks a zlib stream; throws where it is broken or has more than `maxBytes`. */
export type Inflate = (data: Uint8Array, maxBytes: number) => Uint8Array;

/** What {@linkcode decodePng} needs. */
export interface DecodePngOptions {
  readonly inflate: Inflate;
  /** Most pixels of a picture. */
  readonly maxPixels: number;
}

/** The IHDR chunk, clause 11.2.1, and what follows from it. */
interface Header {
  readonly width: number;
  readonly height: number;
  /** Bits of a sample. */
  readonly depth: number;
  /** Samples of a pixel. */
  readonly samples: number;
  readonly hasPalette: boolean;
  readonly isInterlaced: boolean;
}

/** A part of the picture that is packed by itself: all of it, or a pass of Adam7, clause 8.2. */
interface Pass {
  /** Where its first pixel stands, and how far the next ones are from it, in pixels. */
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
}

const WHOLE: readonly Pass[] = [{ x: 0, y: 0, stepX: 1, stepY: 1 }];
const ADAM7: readonly Pass[] = [
  { x: 0, y: 0, stepX: 8, stepY: 8 },
  { x: 4, y: 0, stepX: 8, stepY: 8 },
  { x: 0, y: 4, stepX: 4, stepY: 8 },
  { x: 2, y: 0, stepX: 4, stepY: 4 },
  { x: 0, y: 2, stepX: 2, stepY: 4 },
  { x: 1, y: 0, stepX: 2, stepY: 2 },
  { x: 0, y: 1, stepX: 1, stepY: 2 },
];

/** The pixels of a pass, as a picture of its own. */
interface Size {
  readonly width: number;
  readonly height: number;
  readonly rowBytes: number;
}

const SIGNATURE_BYTES = 8;
/** Samples of a pixel, by colour type. */
const SAMPLES: ReadonlyMap<number, number> = new Map([[0, 1], [2, 3], [3, 1], [4, 2], [6, 4]]);
const PALETTE_TYPE = 3;
const DEPTHS: ReadonlySet<number> = new Set([1, 2, 4, 8, 16]);

/**
 * The picture in a PNG image. Samples of 16 bits lose their lower half; a palette becomes RGB, gray
 * with alpha becomes gray.
 *
 * @throws {StreamError} `failed`, when the image is broken or has too many pixels
 */
export function decodePng(png: Uint8Array, { inflate, maxPixels }: DecodePngOptions): Picture {
  const { ihdr, palette, data } = chunksOf(png);
  const header = readHeader(ihdr);
  const { width, height } = header;
  if (width * height > maxPixels) {
    throw broken(`it has ${width}x${height} pixels, at most ${maxPixels} are unpacked`);
  }
  const passes = header.isInterlaced ? ADAM7 : WHOLE;
  const packedBytes = (pass: Pass) => {
    const size = sizeOf(pass, header);
    return (1 + size.rowBytes) * size.height;
  };
  const expected = passes.reduce((sum, pass) => sum + packedBytes(pass), 0);
  let rows: Uint8Array;
  try {
    rows = inflate(data, expected);
  } catch (cause) {
    throw broken("its data are broken, or more than its size says", { cause });
  }
  if (rows.length !== expected) {
    throw broken(`its size demands ${expected} bytes, it has ${rows.length}`);
  }
  const samples = header.isInterlaced
    ? new Uint8Array(width * height * header.samples)
    : samplesOf(rows, header, sizeOf(WHOLE[0]!, header));
  if (header.isInterlaced) {
    let at = 0;
    for (const pass of passes) {
      const packed = rows.subarray(at, at += packedBytes(pass));
      spread(samples, header, { pass, part: samplesOf(packed, header, sizeOf(pass, header)) });
    }
  }
  if (!header.hasPalette) return withoutGrayAlpha(samples, header);
  return { data: colours(samples, palette), width, height, channels: 3 };
}

function chunksOf(png: Uint8Array): { ihdr: DataView; palette: Uint8Array; data: Uint8Array } {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  let ihdr: DataView | undefined;
  let palette = new Uint8Array();
  const parts: Uint8Array[] = [];
  for (let at = SIGNATURE_BYTES; at + 12 <= png.length;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...png.subarray(at + 4, at + 8));
    if (at + 12 + length > png.length) break;
    const content = png.subarray(at + 8, at + 8 + length);
    // The first chunk alone, which is what everybody else reads as well.
    if (type === "IHDR" && length >= 13 && at === SIGNATURE_BYTES) {
      ihdr = new DataView(png.buffer, content.byteOffset, length);
    } else if (type === "PLTE") palette = content.slice();
    else if (type === "IDAT") parts.push(content);
    at += 12 + length;
  }
  if (ihdr === undefined) throw broken("it has no header");
  const data = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return { ihdr, palette, data };
}

function readHeader(ihdr: DataView): Header {
  const [width, height] = [ihdr.getUint32(0), ihdr.getUint32(4)];
  const [depth, colourType, interlace] = [ihdr.getUint8(8), ihdr.getUint8(9), ihdr.getUint8(12)];
  const samples = SAMPLES.get(colourType);
  if (samples === undefined || !DEPTHS.has(depth) || width === 0 || height === 0) {
    throw broken(`its header says ${width}x${height}, colour type ${colourType}, ${depth} bits`);
  }
  if (interlace > 1) throw broken(`its header names the interlace method ${interlace}`);
  const hasPalette = colourType === PALETTE_TYPE;
  return { width, height, depth, samples, hasPalette, isInterlaced: interlace === 1 };
}

/** A pass without pixels has no rows either. */
function sizeOf({ x, y, stepX, stepY }: Pass, header: Header): Size {
  const width = Math.max(0, Math.ceil((header.width - x) / stepX));
  const height = width === 0 ? 0 : Math.max(0, Math.ceil((header.height - y) / stepY));
  return { width, height, rowBytes: Math.ceil(width * header.samples * header.depth / 8) };
}

function samplesOf(packed: Uint8Array, header: Header, size: Size): Uint8Array {
  return unpack(unfilter(packed, header, size), header, size);
}

/** Puts the pixels of a pass to their places. */
function spread(
  samples: Uint8Array,
  header: Header,
  { pass: { x, y, stepX, stepY }, part }: { readonly pass: Pass; readonly part: Uint8Array },
): void {
  const pixelSamples = header.samples;
  let from = 0;
  for (let row = y; row < header.height; row += stepY) {
    for (let column = x; column < header.width; column += stepX) {
      const to = (row * header.width + column) * pixelSamples;
      for (let sample = 0; sample < pixelSamples; sample++) samples[to + sample] = part[from++]!;
    }
  }
}

/** Undoes the filters of all rows (clause 9.2), in place; returns the rows without filter bytes. */
function unfilter(
  rows: Uint8Array,
  { depth, samples }: Header,
  { height, rowBytes }: Size,
): Uint8Array {
  const out = new Uint8Array(rowBytes * height);
  const step = Math.max(1, samples * depth >> 3);
  let from = 0;
  for (let start = 0; start < out.length; start += rowBytes) {
    const filter = rows[from++]!;
    const end = start + rowBytes;
    // Before the first pixel and above the first row stand zeros.
    for (let to = start; to < end; to++) {
      const left = to - step >= start ? out[to - step]! : 0;
      const up = start > 0 ? out[to - rowBytes]! : 0;
      let predicted = 0;
      if (filter === 1) predicted = left;
      else if (filter === 2) predicted = up;
      else if (filter === 3) predicted = (left + up) >> 1;
      else if (filter === 4) {
        const corner = start > 0 && to - step >= start ? out[to - rowBytes - step]! : 0;
        predicted = paeth(left, up, corner);
      } else if (filter !== 0) throw broken(`a row has filter ${filter}, which does not exist`);
      out[to] = rows[from++]! + predicted;
    }
  }
  return out;
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const [byLeft, byUp] = [Math.abs(estimate - left), Math.abs(estimate - up)];
  const byCorner = Math.abs(estimate - corner);
  if (byLeft <= byUp && byLeft <= byCorner) return left;
  return byUp <= byCorner ? up : corner;
}

/** One byte for each sample; gray of few bits is spread over 0 to 255, a palette's index is not. */
function unpack(
  rows: Uint8Array,
  { depth, samples, hasPalette }: Header,
  { width, height, rowBytes }: Size,
): Uint8Array {
  if (depth === 8) return rows;
  const out = new Uint8Array(width * height * samples);
  if (depth === 16) {
    for (let to = 0; to < out.length; to++) out[to] = rows[2 * to]!;
    return out;
  }
  const most = 2 ** depth - 1;
  const factor = hasPalette ? 1 : 255 / most;
  const rowSamples = width * samples;
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < rowSamples; x++) {
      const bit = x * depth;
      const byte = rows[y * rowBytes + (bit >> 3)]!;
      out[to++] = (byte >> (8 - depth - (bit & 7)) & most) * factor;
    }
  }
  return out;
}

function withoutGrayAlpha(data: Uint8Array, { width, height, samples }: Header): Picture {
  if (samples !== 2) return { data, width, height, channels: samples as 1 | 3 | 4 };
  return { data: data.filter((_, index) => index % 2 === 0), width, height, channels: 1 };
}

function colours(indices: Uint8Array, palette: Uint8Array): Uint8Array {
  const out = new Uint8Array(indices.length * 3);
  for (let at = 0; at < indices.length; at++) {
    const from = indices[at]! * 3;
    if (from + 3 > palette.length) throw broken(`its palette has no colour ${indices[at]}`);
    out[3 * at] = palette[from]!;
    out[3 * at + 1] = palette[from + 1]!;
    out[3 * at + 2] = palette[from + 2]!;
  }
  return out;
}

function broken(seen: string, options?: ErrorOptions): StreamError {
  return new StreamError("failed", `Cannot read a PNG image: ${seen}`, options);
}
