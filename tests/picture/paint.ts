/**
 * Paints pictures of known colours in every pixel format, written apart from what it tests: each
 * sample is computed in floating point from the formulas of BT.601-7 clause 2.5.
 *
 * @module
 */

/** Red, green and blue from 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** What {@linkcode paint} paints. */
export interface Painting {
  readonly pixelFormat: string;
  readonly width: number;
  readonly height: number;
  readonly fullRange: boolean;
  readonly colourAt: (x: number, y: number) => Colour;
  /** @default {opaque} */
  readonly alphaAt?: (x: number, y: number) => number;
}

type Ratio = "420" | "422" | "444" | "411" | "410";

/** Pixels that share a colour sample: across, down. */
const SHARED: Record<Ratio, readonly [across: number, down: number]> = {
  "420": [2, 2],
  "422": [2, 1],
  "444": [1, 1],
  "411": [4, 1],
  "410": [4, 4],
};

/** The bytes of a picture; a group of pixels takes the colour of its top left pixel. */
export function paint(painting: Painting): Uint8Array<ArrayBuffer> {
  const { pixelFormat, width, height, colourAt, alphaAt = () => 255 } = painting;
  const bytes: number[] = [];
  const pixels = (visit: (x: number, y: number) => void, across = 1, down = 1): void => {
    for (let y = 0; y < height; y += down) for (let x = 0; x < width; x += across) visit(x, y);
  };
  const packed = /^(?:rgb24|bgr24|rgba|bgra|rgb0|bgr0)$/.test(pixelFormat);
  if (packed) {
    pixels((x, y) => {
      const [r, g, b] = colourAt(x, y);
      const levels: Record<string, number> = { r, g, b, a: alphaAt(x, y), "0": 99 };
      for (const letter of pixelFormat.replace("24", "")) bytes.push(levels[letter] ?? NaN);
    });
    return Uint8Array.from(bytes);
  }
  const bits = Number(/(\d+)le$/.exec(pixelFormat.replace(/yuva?4\d\dp/, ""))?.[1] ?? 8);
  const fullRange = painting.fullRange || pixelFormat.startsWith("gray");
  const yuvAt = (x: number, y: number): { y: number; u: number; v: number } =>
    quantize(colourAt(x, y), { bits, fullRange });
  const push = (sample: number): void => {
    bytes.push(sample & 255);
    if (bits > 8) bytes.push(sample >> 8);
  };
  if (pixelFormat === "yuyv422" || pixelFormat === "uyvy422") {
    pixels((x, y) => {
      const first = yuvAt(x, y);
      const second = x + 1 < width ? yuvAt(x + 1, y) : first;
      if (pixelFormat === "yuyv422") bytes.push(first.y, first.u, second.y, first.v);
      else bytes.push(first.u, first.y, first.v, second.y);
    }, 2);
    return Uint8Array.from(bytes);
  }
  pixels((x, y) => push(yuvAt(x, y).y));
  if (pixelFormat.startsWith("nv")) {
    pixels(
      (x, y) => {
        const { u, v } = yuvAt(x, y);
        bytes.push(...(pixelFormat === "nv12" ? [u, v] : [v, u]));
      },
      2,
      2,
    );
  } else if (pixelFormat.startsWith("yuv")) {
    const [across, down] = SHARED[/4\d\d/.exec(pixelFormat)?.[0] as Ratio];
    pixels((x, y) => push(yuvAt(x, y).u), across, down);
    pixels((x, y) => push(yuvAt(x, y).v), across, down);
  }
  if (pixelFormat.startsWith("yuva")) pixels((x, y) => push(alphaAt(x, y)));
  return Uint8Array.from(bytes);
}

function quantize(
  [red, green, blue]: Colour,
  { bits, fullRange }: { bits: number; fullRange: boolean },
): { y: number; u: number; v: number } {
  const [r, g, b] = [red / 255, green / 255, blue / 255];
  const luma = 0.299 * r + 0.587 * g + 0.114 * b;
  const cb = (b - luma) / 1.772;
  const cr = (r - luma) / 1.402;
  const max = 2 ** bits - 1;
  const step = 2 ** (bits - 8);
  const middle = 2 ** (bits - 1);
  const clip = (value: number): number => Math.min(max, Math.max(0, Math.round(value)));
  return fullRange
    ? { y: clip(luma * max), u: clip(cb * max + middle), v: clip(cr * max + middle) }
    : {
      y: clip((219 * luma + 16) * step),
      u: clip(224 * cb * step + middle),
      v: clip(224 * cr * step + middle),
    };
}
