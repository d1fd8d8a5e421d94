// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertLessOrEqual, assertThrows } from "@std/assert";
import fc from "fast-check";
import { layoutOf, pictureBytes, PIXEL_FORMATS } from "../../src/core/pixel_format.ts";
import { StreamError } from "../../src/errors.ts";
import { toRgb } from "../../src/picture/rgb.ts";
import { type Colour, paint } from "./paint.ts";

const COLOURS: readonly Colour[] = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 255],
  [0, 0, 0],
  [191, 191, 0],
  [37, 120, 201],
];

/** Largest difference of a channel that rounding to 8-bit samples explains. */
const TOLERANCE = 2;

function isGray(pixelFormat: string): boolean {
  return pixelFormat.startsWith("gray");
}

function lumaOf([r, g, b]: Colour): number {
  return Math.round(0.299 * r + 0.587 * g + 0.114 * b);
}

for (const pixelFormat of PIXEL_FORMATS) {
  Deno.test(`toRgb finds the colours of a ${pixelFormat} picture at its four corners`, () => {
    for (const [width, height] of [[16, 8], [9, 9], [17, 11]] as const) {
      for (const fullRange of [false, true]) {
        for (let shift = 0; shift < COLOURS.length; shift++) {
          const quarters = [0, 1, 2, 3].map((i) => COLOURS[(i + shift) % COLOURS.length] as Colour);
          // Quarters meet at a multiple of 4, so that no colour sample belongs to two of them.
          const colourAt = (x: number, y: number): Colour =>
            quarters[(y < 4 ? 0 : 2) + (x < 8 ? 0 : 1)] as Colour;
          const alphaAt = (x: number, y: number): number => (x * 7 + y * 31) % 256;
          const data = paint({ pixelFormat, width, height, fullRange, colourAt, alphaAt });
          const picture = toRgb(data, { pixelFormat, width, height, fullRange });
          assertEquals([picture.width, picture.height], [width, height]);
          for (const [x, y] of [[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]]) {
            if (x === undefined || y === undefined) continue;
            const colour = colourAt(x, y);
            const at = (y * width + x) * picture.channels;
            const seen = picture.data.subarray(at, at + picture.channels);
            const wanted = isGray(pixelFormat) ? [lumaOf(colour)] : [...colour];
            if (/^(rgba|bgra|yuva)/.test(pixelFormat)) wanted.push(alphaAt(x, y));
            assertEquals(seen.length, wanted.length);
            for (const [channel, level] of wanted.entries()) {
              const message = `${width}x${height} ${x},${y}: ${seen} is not ${wanted}`;
              assertLessOrEqual(Math.abs((seen[channel] ?? NaN) - level), TOLERANCE, message);
            }
          }
        }
      }
    }
  });
}

Deno.test("toRgb keeps the colour of each pixel, or group of pixels, in its place", () => {
  const [width, height] = [13, 10];
  for (const pixelFormat of PIXEL_FORMATS) {
    const layout = layoutOf(pixelFormat);
    assert(layout !== undefined);
    const shiftX = layout.kind === "planar" ? layout.shiftX : layout.groupPixels - 1;
    const shiftY = layout.kind === "planar" ? layout.shiftY : 0;
    const colourAt = (x: number, y: number): Colour => {
      const group = (x >> shiftX) * 5 + (y >> shiftY) * 3;
      return COLOURS[group % COLOURS.length] as Colour;
    };
    const data = paint({ pixelFormat, width, height, fullRange: false, colourAt });
    const picture = toRgb(data, { pixelFormat, width, height });
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const colour = colourAt(x, y);
        const wanted = isGray(pixelFormat) ? [lumaOf(colour)] : colour;
        for (const [channel, level] of wanted.entries()) {
          const seen = picture.data[(y * width + x) * picture.channels + channel] ?? NaN;
          assertLessOrEqual(Math.abs(seen - level), TOLERANCE, `${pixelFormat} ${x},${y}`);
        }
      }
    }
  }
});

Deno.test("toRgb gives the values that BT.601 defines for black, white and beyond", () => {
  const gray = (y: number, fullRange: boolean): number[] => {
    const data = Uint8Array.of(y, 128, 128);
    return [...toRgb(data, { pixelFormat: "yuv444p", width: 1, height: 1, fullRange }).data];
  };
  assertEquals(gray(16, false), [0, 0, 0]);
  assertEquals(gray(235, false), [255, 255, 255]);
  assertEquals(gray(0, false), [0, 0, 0]);
  assertEquals(gray(255, false), [255, 255, 255]);
  for (let y = 0; y < 256; y++) assertEquals(gray(y, true), [y, y, y]);
});

Deno.test("toRgb reads samples of two bytes that begin at an odd offset", () => {
  const options = { pixelFormat: "yuv444p10le", width: 1, height: 1 };
  const whole = Uint8Array.of(9, 940 & 255, 940 >> 8, 0, 2, 0, 2);
  assertEquals([...toRgb(whole.subarray(1), options).data], [255, 255, 255]);
});

Deno.test("toRgb takes any bytes of the right number, and leaves them as they were", () => {
  const side = fc.integer({ min: 1, max: 64 });
  fc.assert(
    fc.property(
      fc.constantFrom(...PIXEL_FORMATS),
      side,
      side,
      fc.nat(255),
      fc.boolean(),
      (pixelFormat, width, height, seed, fullRange) => {
        const layout = layoutOf(pixelFormat);
        assert(layout !== undefined);
        const data = new Uint8Array(pictureBytes(layout, width, height));
        for (let i = 0; i < data.length; i++) data[i] = i * 89 + seed;
        const before = data.slice();
        const picture = toRgb(data, { pixelFormat, width, height, fullRange });
        assertEquals(picture.data.length, width * height * picture.channels);
        assertEquals(data, before);
      },
    ),
    { seed: 11 },
  );
});

Deno.test("toRgb refuses an unknown pixel format, a wrong number of bytes and no size", () => {
  const refusal = (bytes: number, pixelFormat: string, width: number): string => {
    const run = () => toRgb(new Uint8Array(bytes), { pixelFormat, width, height: 2 });
    const error = assertThrows(run, StreamError);
    assertEquals(error.code, "failed");
    return error.message;
  };
  const start = (width: number, format: string) =>
    `Cannot convert a picture of ${width}x2 pixels in ${format}: `;
  assertEquals(refusal(6, "pal8", 2), start(2, "pal8") + "unknown pixel format");
  for (const bytes of [0, 5, 7]) {
    const message = start(2, "yuv420p") + `expected 6 bytes, found ${bytes}`;
    assertEquals(refusal(bytes, "yuv420p", 2), message);
  }
  for (const width of [0, -2, 1.5, NaN, Infinity]) {
    const message = start(width, "rgb24") + "width and height must be positive integers";
    assertEquals(refusal(0, "rgb24", width), message);
  }
});
