// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { deflateSync, inflateSync } from "node:zlib";
import fc from "fast-check";
import { encode } from "fast-png";
import { StreamError } from "../../src/errors.ts";
import { decodePng } from "../../src/picture/png_decoder.ts";
import { ffmpeg, needs, NO_FFMPEG } from "../ffmpeg.ts";
import { concat, PNG_START, pngChunk, ramp, uint32 } from "../split/samples.ts";

const OPTIONS = {
  inflate: (data: Uint8Array, maxBytes: number) => inflateSync(data, { maxOutputLength: maxBytes }),
  maxPixels: 1_000_000,
};

/** A PNG of rows that are not compressed any further, with a header as given. */
function png(
  { width = 2, height = 2, depth = 8, type = 2, interlace = 0, palette = new Uint8Array() },
  rows: Uint8Array,
): Uint8Array {
  return concat(
    PNG_START,
    pngChunk(
      "IHDR",
      concat(uint32(width), uint32(height), Uint8Array.of(depth, type, 0, 0, interlace)),
    ),
    ...(palette.length === 0 ? [] : [pngChunk("PLTE", palette)]),
    pngChunk("IDAT", new Uint8Array(deflateSync(rows))),
    pngChunk("IEND", new Uint8Array()),
  );
}

for (const [channels, name] of [[1, "gray"], [3, "RGB"], [4, "RGBA"]] as const) {
  Deno.test(`decodePng reads what another encoder wrote in ${name}`, () => {
    const data = ramp(7 * 5 * channels, 3);
    const image = new Uint8Array(encode({ width: 7, height: 5, data, channels }));
    assertEquals(decodePng(image, OPTIONS), { width: 7, height: 5, data, channels });
  });
}

for (
  const [pixels, reads] of [
    ["rgb24", "rgb24"],
    ["rgba", "rgba"],
    ["gray", "gray"],
    ["pal8", "rgb24"],
    ["monob", "gray"],
    ["gray16be", "gray"],
    ["rgb48be", "rgb24"],
    ["ya8", "gray"],
  ] as const
) {
  // Each of the filters for one format, all of them together for the others.
  for (const filter of pixels === "rgba" ? ["none", "sub", "up", "avg", "paeth"] : ["mixed"]) {
    Deno.test({
      ...needs(NO_FFMPEG, `decodePng reads ffmpeg's ${pixels} with filter ${filter}`),
      fn: async () => {
        const source = ["-f", "lavfi", "-i", "testsrc=size=37x23", "-frames:v", "1"];
        const image = await ffmpeg(
          [...source, "-pix_fmt", pixels, "-c:v", "png", "-pred", filter, "-f", "image2pipe", "-"],
        );
        const { data, width, height, channels } = decodePng(image, OPTIONS);
        assertEquals([width, height], [37, 23]);
        assertEquals(channels, { gray: 1, rgb24: 3, rgba: 4 }[reads]);
        // What takes the upper half of 16 bits is not ffmpeg's rounding: alpha and depth apart.
        const deep = /16|48|ya8/.test(pixels);
        const same = ["-f", "png_pipe", "-i", "-", "-f", "rawvideo", "-pix_fmt"];
        const expected = deep
          ? everyOther(await ffmpeg([...same, pixels, "-"], image))
          : await ffmpeg([...same, reads, "-"], image);
        assertEquals(new Uint8Array(data), new Uint8Array(expected));
      },
    });
  }
}

for (const [pixels, reads] of [["rgb24", "rgb24"], ["pal8", "rgb24"], ["monob", "gray"]]) {
  for (const size of ["1x1", "2x5", "37x23"]) {
    Deno.test({
      ...needs(NO_FFMPEG, `decodePng reads ffmpeg's interlaced ${pixels} of ${size}`),
      fn: async () => {
        const source = ["-f", "lavfi", "-i", `testsrc=size=${size}`, "-frames:v", "1"];
        const how = ["-flags", "+ildct", "-pred", "mixed", "-f", "image2pipe", "-"];
        const image = await ffmpeg([...source, "-pix_fmt", pixels!, "-c:v", "png", ...how]);
        assertEquals(image[28], 1, "the interlace method of its header");
        const plain = ["-f", "png_pipe", "-i", "-", "-f", "rawvideo", "-pix_fmt", reads!, "-"];
        const { data } = decodePng(image, OPTIONS);
        assertEquals(new Uint8Array(data), new Uint8Array(await ffmpeg(plain, image)));
      },
    });
  }
}

function everyOther(bytes: Uint8Array): Uint8Array {
  return bytes.filter((_, index) => index % 2 === 0);
}

for (
  const [what, image, seen] of [
    ["nothing", new Uint8Array(), "no header"],
    ["a signature alone", PNG_START, "no header"],
    ["no colour type", png({ type: 5 }, new Uint8Array(14)), "colour type 5"],
    ["no width", png({ width: 0 }, new Uint8Array(2)), "0x2"],
    ["3 bits", png({ depth: 3 }, new Uint8Array(14)), "3 bits"],
    ["interlaced rows that are not", png({ interlace: 1 }, new Uint8Array(14)), "demands 15 bytes"],
    ["another interlacing", png({ interlace: 2 }, new Uint8Array(14)), "interlace method 2"],
    ["a row too few", png({}, new Uint8Array(7)), "demands 14 bytes, it has 7"],
    ["a byte too many", png({}, new Uint8Array(15)), "more than its size says"],
    ["a filter that is none", png({}, new Uint8Array(14).fill(5)), "filter 5"],
    ["no palette", png({ type: 3 }, new Uint8Array(6)), "no colour 0"],
    [
      "a short palette",
      png({ type: 3, palette: new Uint8Array(3) }, Uint8Array.of(0, 0, 0, 0, 0, 1)),
      "no colour 1",
    ],
    ["too many pixels", png({ width: 1001, height: 1000 }, new Uint8Array(1)), "at most 1000000"],
  ] as const
) {
  Deno.test(`decodePng refuses ${what} and says so`, () => {
    const error = assertThrows(() => decodePng(image, OPTIONS), StreamError);
    assertStringIncludes(error.message, seen);
  });
}

Deno.test("decodePng unpacks no more than the picture's size demands, whatever is packed", () => {
  const bomb = png({}, new Uint8Array(64 * 1024 * 1024));
  let most = 0;
  const inflate = (data: Uint8Array, maxBytes: number) => {
    most = maxBytes;
    return OPTIONS.inflate(data, maxBytes);
  };
  assertThrows(() => decodePng(bomb, { ...OPTIONS, inflate }), StreamError, "more than its size");
  assertEquals(most, 14);
});

Deno.test("decodePng throws nothing but its own error, whatever the bytes are", () => {
  const good = new Uint8Array(encode({ width: 9, height: 9, data: ramp(243), channels: 3 }));
  const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 4 }), fc.nat(good.length), (changes, length) => {
      const bytes = good.slice();
      for (const [at, value] of changes) bytes[at] = value;
      try {
        decodePng(bytes.subarray(0, length), OPTIONS);
      } catch (error) {
        if (!(error instanceof StreamError)) throw error;
      }
    }),
    { numRuns: 500, seed: 1 },
  );
});
