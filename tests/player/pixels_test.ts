// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { PIXEL_FORMATS } from "../../src/core/pixel_format.ts";
import { pixelsOf } from "../../src/picture/frame_picture.ts";
import { toRgb, type ToRgbOptions } from "../../src/picture/rgb.ts";
import { pixelPicture, toRgba } from "../../src/player/pixels.ts";

const SIZES = [[8, 6], [37, 23], [1, 1], [5, 4]] as const;

/** Bytes that look random and are the same at each run. */
function noise(length: number): Uint8Array<ArrayBuffer> {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = state * 1_103_515_245 + 12_345 & 0x7fff_ffff;
    return state >> 16;
  });
}

/** What the relay itself makes of a picture, as RGBA. */
function reference(data: Uint8Array, options: ToRgbOptions): number[] {
  const { data: pixels, channels } = toRgb(data, options);
  const rgba = [];
  for (let at = 0; at < pixels.length; at += channels) {
    const [r = 0, g = r, b = r, a = 255] = pixels.subarray(at, at + channels);
    rgba.push(r, g, b, a);
  }
  return rgba;
}

for (const pixelFormat of PIXEL_FORMATS) {
  Deno.test(`toRgba makes of ${pixelFormat} the colours that the relay makes`, () => {
    const ranges = [null, "YUV4MPEG2 W8 H8 XCOLORRANGE=FULL"];
    for (
      const [width, height, header] of SIZES.flatMap((size) =>
        ranges.map((range) => [...size, range] as const)
      )
    ) {
      const picture = pixelPicture({ pixelFormat, width, height, header })!;
      let data = noise(picture.bytes);
      const bits = Number(/(?:p|gray)(\d+)le$/.exec(pixelFormat)?.[1] ?? 8);
      if (bits > 8) {
        // Samples hold no more bits than they say.
        const samples = new Uint16Array(data.buffer).map((sample) => sample & (2 ** bits - 1));
        data = new Uint8Array(samples.buffer);
      }
      const found = toRgba(data, picture);
      const wanted = reference(data, { pixelFormat, width, height, fullRange: header !== null });
      assertEquals([...found], wanted, `${width}x${height} ${header}`);
    }
  });
}

Deno.test("pixelPicture knows nothing of other formats, and of pictures without a size", () => {
  assertEquals(pixelPicture({ pixelFormat: "pal8", width: 2, height: 2, header: null }), undefined);
  assertEquals(pixelPicture({ pixelFormat: null, width: 2, height: 2, header: null }), undefined);
  assertEquals(
    pixelPicture({ pixelFormat: "rgb24", width: null, height: 2, header: null }),
    undefined,
  );
  assertEquals(
    pixelPicture({ pixelFormat: "rgb24", width: 2, height: null, header: null }),
    undefined,
  );
});

Deno.test("pixelsOf takes the line in front of a frame of Y4M away, and nothing from raw frames", () => {
  const line = new TextEncoder().encode("FRAME Ip\n");
  const data = new Uint8Array([...line, 10, 20, 30]);
  assertEquals([...pixelsOf(data, "y4m")!], [10, 20, 30]);
  assertEquals(pixelsOf(data, "raw"), data);
  assertEquals(pixelsOf(data.subarray(1), "y4m"), undefined);
});
