/**
 * Pictures that are not compressed, turned into 8-bit gray, RGB or RGBA.
 *
 * @module
 */
import { layoutOf, pictureBytes, type PlanarLayout } from "../core/pixel_format.ts";
import { StreamError } from "../errors.ts";

/** A picture of 8-bit samples, rows from the top, pixels from the left, without padding. */
export interface Picture {
  readonly data: Uint8Array;
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  /** 1: gray, 3: RGB, 4: RGBA with alpha that is not premultiplied. */
  readonly channels: 1 | 3 | 4;
}

/** What the bytes given to {@linkcode toRgb} are. */
export interface ToRgbOptions {
  /** Pixel format under its ffmpeg name. */
  readonly pixelFormat: string;
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  /**
   * True where YUV samples use all their values (JPEG), false where black is 16 and white is 235
   * (times 2^(bits-8)). Gray always uses all values, as in ffmpeg. @default {false}
   */
  readonly fullRange?: boolean;
  /**
   * True where the picture is to be RGBA whatever the format is, opaque where it has no alpha.
   * @default {false}
   */
  readonly rgba?: boolean;
}

/** Where the samples of one component lie; all three are counted in samples. */
interface Plane {
  readonly offset: number;
  readonly step: number;
  readonly row: number;
}

interface YuvSource {
  readonly samples: Uint8Array | Uint16Array;
  readonly bits: number;
  readonly luma: Plane;
  readonly u: Plane;
  readonly v: Plane;
  readonly alpha: Plane | undefined;
  readonly shiftX: number;
  readonly shiftY: number;
}

/** Positions of red, green, blue (and alpha) within a pixel, and the bytes of a pixel. */
const RGB_ORDERS: ReadonlyMap<string, { step: number; order: readonly number[] }> = new Map([
  ["rgb24", { step: 3, order: [0, 1, 2] }],
  ["bgr24", { step: 3, order: [2, 1, 0] }],
  ["rgba", { step: 4, order: [0, 1, 2, 3] }],
  ["bgra", { step: 4, order: [2, 1, 0, 3] }],
  ["rgb0", { step: 4, order: [0, 1, 2] }],
  ["bgr0", { step: 4, order: [2, 1, 0] }],
]);

/** Positions of the first luma sample, U and V within a pair of pixels. */
const PAIR_ORDERS: ReadonlyMap<string, { y: number; u: number; v: number }> = new Map([
  ["yuyv422", { y: 0, u: 1, v: 3 }],
  ["uyvy422", { y: 1, u: 0, v: 2 }],
]);

/** Fraction bits of the fixed-point sums: the largest, 2 * 255 * 2^20, still fits in 31 bits. */
const FRACTION_BITS = 20;

/**
 * Converts a picture to gray, RGB or RGBA of 8 bits.
 *
 * YUV is converted with the BT.601 matrix (ITU-R BT.601-7 clause 2.5, the default of swscale),
 * whatever the size; a colour sample counts for all pixels that share it, without interpolation.
 * The result shares its bytes with `data` where nothing is to be converted.
 *
 * @throws {StreamError} `failed`, when the pixel format is not known, the size is not a size, or
 * `data` does not have the number of bytes that they demand.
 */
export function toRgb(data: Uint8Array, options: ToRgbOptions): Picture {
  const { pixelFormat, width, height, rgba = false } = options;
  const what = `Cannot convert a picture of ${width}x${height} pixels in ${pixelFormat}`;
  const layout = layoutOf(pixelFormat);
  if (layout === undefined) throw new StreamError("failed", `${what}: unknown pixel format`);
  if (!isSize(width) || !isSize(height)) {
    throw new StreamError("failed", `${what}: width and height must be positive integers`);
  }
  const expected = pictureBytes(layout, width, height);
  if (data.length !== expected) {
    throw new StreamError("failed", `${what}: expected ${expected} bytes, found ${data.length}`);
  }
  if (layout.kind === "planar") {
    if (layout.colour === "none") return grayPicture(data, layout.bits, options);
    return yuvPicture(planarSource(data, layout, options), options);
  }
  const rgb = RGB_ORDERS.get(pixelFormat);
  if (rgb !== undefined) {
    const channels = rgba || rgb.order.length === 4 ? 4 : 3;
    return { data: reorder(data, rgb.step, rgb.order, channels), width, height, channels };
  }
  const pair = PAIR_ORDERS.get(pixelFormat);
  if (pair === undefined) throw new StreamError("failed", `${what}: no conversion to RGB`);
  return yuvPicture(pairSource(data, pair, width), options);
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

function reorder(
  data: Uint8Array,
  step: number,
  order: readonly number[],
  channels: 3 | 4,
): Uint8Array {
  if (step === channels && order.length === channels && order[0] === 0) return data;
  const [r = 0, g = 0, b = 0, a] = order;
  const out = new Uint8Array(data.length / step * channels);
  for (let from = 0, to = 0; from < data.length; from += step, to += channels) {
    out[to] = data[from + r] as number;
    out[to + 1] = data[from + g] as number;
    out[to + 2] = data[from + b] as number;
    if (channels === 4) out[to + 3] = a === undefined ? 255 : data[from + a] as number;
  }
  return out;
}

function grayPicture(
  data: Uint8Array,
  bits: number,
  { width, height, rgba = false }: ToRgbOptions,
): Picture {
  if (bits === 8 && !rgba) return { data, width, height, channels: 1 };
  const samples = samplesOf(data, bits);
  const channels = rgba ? 4 : 1;
  const out = new Uint8ClampedArray(width * height * channels);
  const scale = 255 / (2 ** bits - 1);
  for (let i = 0, to = 0; to < out.length; i++, to += channels) {
    // A clamped array rounds what is stored.
    const value = (samples[i] as number) * scale;
    out[to] = value;
    if (rgba) {
      out[to + 1] = value;
      out[to + 2] = value;
      out[to + 3] = 255;
    }
  }
  return { data: new Uint8Array(out.buffer), width, height, channels };
}

/** The samples of planes; above 8 bits little endian, as on every machine that Deno or a browser runs on. */
function samplesOf(data: Uint8Array, bits: number): Uint8Array | Uint16Array {
  if (bits === 8) return data;
  const even = data.byteOffset % 2 === 0 ? data : data.slice();
  return new Uint16Array(even.buffer, even.byteOffset, even.length / 2);
}

function planarSource(data: Uint8Array, layout: PlanarLayout, options: ToRgbOptions): YuvSource {
  const { pixelFormat, width, height } = options;
  const { shiftX, shiftY, bits } = layout;
  const colourWidth = Math.ceil(width / 2 ** shiftX);
  const area = width * height;
  const colourArea = colourWidth * Math.ceil(height / 2 ** shiftY);
  let u: Plane = { offset: area, step: 1, row: colourWidth };
  let v: Plane = { offset: area + colourArea, step: 1, row: colourWidth };
  if (layout.colour === "interleaved") {
    u = { offset: area, step: 2, row: 2 * colourWidth };
    v = { ...u, offset: area + 1 };
    if (pixelFormat === "nv21") [u, v] = [v, u];
  }
  const luma: Plane = { offset: 0, step: 1, row: width };
  const alpha = layout.alpha ? { ...luma, offset: area + 2 * colourArea } : undefined;
  return { samples: samplesOf(data, bits), bits, luma, u, v, alpha, shiftX, shiftY };
}

function pairSource(
  samples: Uint8Array,
  order: { y: number; u: number; v: number },
  width: number,
): YuvSource {
  const row = Math.ceil(width / 2) * 4;
  return {
    samples,
    bits: 8,
    luma: { offset: order.y, step: 2, row },
    u: { offset: order.u, step: 4, row },
    v: { offset: order.v, step: 4, row },
    alpha: undefined,
    shiftX: 1,
    shiftY: 0,
  };
}

/** Fixed-point factors from samples of `bits` bits to 0..255 (BT.601-7 clause 2.5.1 inverted). */
function factorsOf(
  { bits, fullRange }: { bits: number; fullRange: boolean },
): { black: number; y: number; rv: number; gu: number; gv: number; bu: number } {
  const red = 0.299;
  const blue = 0.114;
  const green = 1 - red - blue;
  const step = 2 ** (bits - 8);
  const full = 255 * 2 ** FRACTION_BITS;
  const luma = full / (fullRange ? 2 ** bits - 1 : 219 * step);
  const colour = full / (fullRange ? 2 ** bits - 1 : 224 * step);
  return {
    black: fullRange ? 0 : 16 * step,
    y: Math.round(luma),
    rv: Math.round(colour * 2 * (1 - red)),
    gu: Math.round(colour * 2 * (1 - blue) * blue / green),
    gv: Math.round(colour * 2 * (1 - red) * red / green),
    bu: Math.round(colour * 2 * (1 - blue)),
  };
}

function yuvPicture(
  source: YuvSource,
  { width, height, fullRange = false, rgba = false }: ToRgbOptions,
): Picture {
  const { samples, bits, luma, u, v, alpha, shiftX, shiftY } = source;
  const factors = factorsOf({ bits, fullRange });
  const { y: yFactor, rv, gu, gv, bu } = factors;
  const bias = 2 ** (FRACTION_BITS - 1) - factors.black * yFactor;
  const neutral = 2 ** (bits - 1);
  const shared = 1 << shiftX;
  const channels = rgba || alpha !== undefined ? 4 : 3;
  const out = new Uint8ClampedArray(width * height * channels);
  let to = 0;
  for (let y = 0; y < height; y++) {
    let lumaAt = luma.offset + y * luma.row;
    let uAt = u.offset + (y >> shiftY) * u.row;
    let vAt = v.offset + (y >> shiftY) * v.row;
    for (let x = 0; x < width; x += shared) {
      const uValue = (samples[uAt] as number) - neutral;
      const vValue = (samples[vAt] as number) - neutral;
      uAt += u.step;
      vAt += v.step;
      const r = bias + vValue * rv;
      const g = bias - uValue * gu - vValue * gv;
      const b = bias + uValue * bu;
      const end = Math.min(shared, width - x);
      for (let i = 0; i < end; i++) {
        const value = (samples[lumaAt] as number) * yFactor;
        lumaAt += luma.step;
        out[to] = (value + r) >> FRACTION_BITS;
        out[to + 1] = (value + g) >> FRACTION_BITS;
        out[to + 2] = (value + b) >> FRACTION_BITS;
        if (channels === 4) out[to + 3] = 255;
        to += channels;
      }
    }
  }
  if (alpha !== undefined) {
    const scale = 255 / (2 ** bits - 1);
    for (let i = 0; i < width * height; i++) {
      out[i * 4 + 3] = (samples[alpha.offset + i] as number) * scale;
    }
  }
  return { data: new Uint8Array(out.buffer), width, height, channels };
}
