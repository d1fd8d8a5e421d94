// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { decode } from "jpeg-js";
import { encodeJpeg } from "../../src/picture/jpeg.ts";
import { ffmpeg, needs, NO_FFMPEG } from "../ffmpeg.ts";

const COLOUR = [200, 60, 30] as const;

/** A picture of one colour, whose alpha says nothing. */
function plain(channels: 1 | 3 | 4, width: number, height: number) {
  const pixel = channels === 1 ? [200] : [...COLOUR, 7].slice(0, channels);
  const data = Uint8Array.from(
    { length: width * height * channels },
    (_, at) => pixel[at % channels]!,
  );
  return { data, width, height, channels };
}

function isNear(seen: Uint8Array, expected: readonly number[]): boolean {
  return expected.every((value, at) => Math.abs(seen[at]! - value) <= 3);
}

for (const channels of [1, 3, 4] as const) {
  Deno.test(`encodeJpeg makes a JPEG of a picture with ${channels} channels`, () => {
    const jpeg = encodeJpeg(plain(channels, 17, 9));
    const { width, height, data } = decode(jpeg, { useTArray: true });
    assertEquals([width, height], [17, 9]);
    const expected = channels === 1 ? [200, 200, 200] : COLOUR;
    for (let at = 0; at < data.length; at += 4) assert(isNear(data.subarray(at), expected));
    assertEquals(jpeg.byteLength, jpeg.buffer.byteLength);
  });
}

Deno.test({
  ...needs(NO_FFMPEG, "encodeJpeg makes a JPEG that ffmpeg reads"),
  fn: async () => {
    const args = ["-f", "jpeg_pipe", "-i", "-", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"];
    const pixels = await ffmpeg(args, encodeJpeg(plain(3, 20, 10)));
    assertEquals(pixels.length, 600);
    for (let at = 0; at < 600; at += 3) assert(isNear(pixels.subarray(at), COLOUR));
  },
});
