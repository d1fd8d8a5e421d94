// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertLess } from "@std/assert";
import { decode } from "fast-png";
import { bareConfig } from "../../src/core/frame.ts";
import { PIXEL_FORMATS } from "../../src/core/pixel_format.ts";
import { frameToPng } from "../../src/picture/png.ts";
import { toRgb } from "../../src/picture/rgb.ts";
import { TestPattern } from "../../src/picture/test_pattern.ts";
import { ffmpeg, needs, NO_FFMPEG } from "../ffmpeg.ts";

const [WIDTH, HEIGHT] = [112, 64];
const SIZE = `${WIDTH}x${HEIGHT}`;

/** Mean difference of a level that other rounding explains. */
const ROUNDING = 0.6;
/** The same at odd sizes, where swscale stretches the colour planes a little to fit. */
const STRETCHING = 3;
/** The same after a way through 4:2:0, which blurs the colours of the source. */
const BLURRING = 2;

/** Makes swscale share a colour sample as `toRgb` does, and round to the nearest. */
const PLAIN_SCALING = ["-sws_flags", "neighbor+full_chroma_int+accurate_rnd"];

function rawInput(pixelFormat: string, size: string, from: string): string[] {
  return ["-f", "rawvideo", "-pix_fmt", pixelFormat, "-s", size, "-i", from];
}

/** Levels of a picture as RGB, without alpha. */
function rgbOf({ data, channels }: { data: ArrayLike<number>; channels: number }): number[] {
  return Array.from({ length: data.length / channels * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3) * channels;
    return data[pixel + (channels === 1 ? 0 : i % 3)] ?? NaN;
  });
}

/** A picture in `rgb24` whose red, green and blue grow to the right, downwards and both ways. */
function colours(width: number, height: number): Uint8Array {
  return Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return [255 * x / width, 255 * y / height, 255 * (x + y) / (width + height)][i % 3] ?? 0;
  });
}

function meanDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assertEquals(a.length, b.length);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs((a[i] ?? NaN) - (b[i] ?? NaN));
  return sum / a.length;
}

for (const [width, height, tolerance] of [[112, 64, ROUNDING], [113, 67, STRETCHING]] as const) {
  Deno.test({
    ...needs(NO_FFMPEG, `toRgb agrees with ffmpeg about all formats at ${width}x${height}`),
    fn: async () => {
      const folder = await Deno.makeTempDir();
      try {
        const size = `${width}x${height}`;
        // One process makes the pictures of all formats, and one turns all of them into RGB.
        const outputs = PIXEL_FORMATS.flatMap((format) => [
          ...["-f", "rawvideo", "-pix_fmt", format, `${folder}/${format}`],
        ]);
        await ffmpeg([...rawInput("rgb24", size, "-"), ...outputs], colours(width, height));
        const inputs = PIXEL_FORMATS.flatMap((name) => rawInput(name, size, `${folder}/${name}`));
        const back = PIXEL_FORMATS.flatMap((format, index) => [
          ...["-map", `${index}`, "-f", "rawvideo", "-pix_fmt", "rgb24"],
          ...[...PLAIN_SCALING, `${folder}/${format}.rgb`],
        ]);
        await ffmpeg([...inputs, ...back]);
        for (const pixelFormat of PIXEL_FORMATS) {
          const data = await Deno.readFile(`${folder}/${pixelFormat}`);
          const theirs = await Deno.readFile(`${folder}/${pixelFormat}.rgb`);
          const ours = rgbOf(toRgb(data, { pixelFormat, width, height }));
          assertLess(meanDifference(ours, theirs), tolerance, pixelFormat);
        }
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

Deno.test({
  ...needs(NO_FFMPEG, `frameToPng shows a Y4M frame of ffmpeg in its right range`),
  fn: async () => {
    const source = new TestPattern({ width: WIDTH, height: HEIGHT }).render({
      frame: 5,
      wallMs: 0,
    });
    for (const [pixelFormat, range] of [["yuv420p", false], ["yuvj420p", true]] as const) {
      const args = ["-pix_fmt", pixelFormat, "-f", "yuv4mpegpipe", "-"];
      const file = await ffmpeg([...rawInput("rgb24", SIZE, "-"), ...args], source);
      const lineEnd = file.indexOf(0x0a);
      const header = new TextDecoder().decode(file.subarray(0, lineEnd));
      assertEquals(header.includes("XCOLORRANGE=FULL"), range);
      const config = bareConfig("y4m", {
        width: WIDTH,
        height: HEIGHT,
        pixelFormat: "yuv420p",
        header,
      });
      const decoded = decode(frameToPng(file.subarray(lineEnd + 1), config));
      const mean = meanDifference(rgbOf(decoded), source);
      assertLess(mean, BLURRING, pixelFormat);
    }
  },
});

Deno.test({
  ...needs(NO_FFMPEG, `encodePng makes a PNG that ffmpeg reads`),
  fn: async () => {
    const source = new TestPattern({ width: WIDTH, height: HEIGHT }).render({
      frame: 5,
      wallMs: 0,
    });
    const config = bareConfig("raw", { width: WIDTH, height: HEIGHT, pixelFormat: "rgb24" });
    const args = ["-f", "png_pipe", "-i", "-", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"];
    assertEquals(await ffmpeg(args, frameToPng(source, config)), new Uint8Array(source));
  },
});
