// @ts-types="../../types/std_assert.d.ts"
import {
  assert,
  assertEquals,
  assertMatch,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { bytesOf } from "../../src/bytes/text.ts";
import { PngSplitter, readPngSize } from "../../src/split/png.ts";
import { ResyncSplitter } from "../../src/split/resync.ts";
import {
  bytesUntilError,
  concat,
  errorOf,
  png,
  PNG_START,
  pngChunk,
  ramp,
  split,
  uint32,
} from "./samples.ts";

function create(maxFrameBytes = 4096): PngSplitter {
  return new PngSplitter({ maxFrameBytes });
}

function header(width: number, height: number): Uint8Array {
  return pngChunk("IHDR", concat(uint32(width), uint32(height), new Uint8Array(5)));
}

Deno.test("PngSplitter skips an image inside a chunk", () => {
  const image = png({ chunks: concat(pngChunk("teSt", png()), pngChunk("IDAT", png())) });
  const { frames } = split(create(), [concat(image, image)]);
  assertEquals(frames.map(({ data }) => data), [image, image]);
});

Deno.test("PngSplitter makes a new configuration when the size changes", () => {
  const { frames } = split(create(), [concat(png(), png(), png({ width: 70_000, height: 3 }))]);
  const [first, second, third] = frames.map(({ config }) => config);
  assertStrictEquals(first, second);
  assertEquals([third!.codec, third!.width, third!.height], ["png", 70_000, 3]);
});

Deno.test("PngSplitter passes the chunks of an animation", () => {
  const [control, data] = [pngChunk("acTL", ramp(8)), pngChunk("IDAT", ramp(9))];
  const frame = concat(pngChunk("fcTL", ramp(26)), pngChunk("fdAT", concat(ramp(4), PNG_START)));
  const image = png({ chunks: concat(control, data, frame, frame) });
  const { frames } = split(create(), [concat(image, image)]);
  assertEquals(frames.map(({ data }) => data), [image, image]);
});

Deno.test("PngSplitter refuses a chunk that the next image completes", () => {
  const image = png({
    chunks: concat(
      pngChunk("pHYs", ramp(9)),
      pngChunk("IDAT", concat(Uint8Array.of(0x78, 0x9c), ramp(97))),
    ),
  });
  // What is missing ends at a chunk of the next image, or in the checksum of the end.
  for (const missing of [12 + 33, 12 + 54, 1, 2, 3, 4]) {
    const cut = image.length - missing;
    const { fault } = errorOf(create(), concat(image.subarray(0, cut), image));
    assertEquals([fault.offset, fault.expected.startsWith("the rest of")], [cut, true]);
  }
});

Deno.test("PngSplitter refuses chunks that cannot be", () => {
  const spoiled: [Uint8Array, string, number][] = [
    [pngChunk("IDAT", new Uint8Array(13)), "an IHDR chunk of 13 bytes", 8],
    [pngChunk("IHDR", new Uint8Array(12)), "an IHDR chunk of 13 bytes", 8],
    [header(0, 5), "a width and a height above 0", 16],
    [header(5, 0), "a width and a height above 0", 16],
    [concat(header(5, 5), header(5, 5)), "one IHDR chunk", 33],
    [concat(header(5, 5), pngChunk("IEND", uint32(0))), "an empty IEND chunk", 33],
    [concat(header(5, 5), pngChunk("IEND", new Uint8Array(0))), "an IDAT chunk before IEND", 33],
    [concat(header(5, 5), pngChunk("DATx", uint32(0))), "a PNG chunk", 33],
    [concat(header(5, 5), pngChunk("teSt", uint32(0)), pngChunk("text", uint32(0))), "a PNG", 49],
    [concat(header(5, 5), pngChunk("ID4T", uint32(0))), "a PNG chunk", 33],
    [concat(header(5, 5), uint32(2 ** 31), bytesOf("IDAT")), "a PNG chunk", 33],
  ];
  for (const [bytes, expected, offset] of spoiled) {
    const { fault } = errorOf(create(), concat(PNG_START, bytes, new Uint8Array(20)));
    assertStringIncludes(fault.expected, expected);
    assertEquals(fault.offset, offset);
  }
});

Deno.test("PngSplitter refuses an image that is not what was written, where a decoder needs it", () => {
  const text = pngChunk("tEXt", ramp(20));
  const palette = pngChunk("PLTE", ramp(6));
  const image = png({ chunks: concat(text, palette, pngChunk("IDAT", ramp(50))) });
  const places = { IHDR: 8, tEXt: 33, PLTE: 65, IDAT: 83, IEND: 145 };
  for (const [type, at] of Object.entries(places)) {
    const end = { IHDR: 33, tEXt: 65, PLTE: 83, IDAT: 145, IEND: 157 }[type]!;
    for (const spoiled of [at + 8, end - 1]) {
      const bytes = image.slice();
      // The width stays one, and the length and the type of the chunk what they were.
      bytes[spoiled]! ^= 0x10;
      const input = concat(image, bytes, image);
      if (type === "tEXt") {
        assertEquals(split(create(), [input]).frames.length, 3);
        continue;
      }
      const { fault } = errorOf(create(), input);
      assertEquals([fault.frame, fault.offset], [2, image.length + end - 4], type);
      assertMatch(fault.expected, /^the checksum [0-9a-f]{8} of a PNG chunk$/);
      const splitter = new ResyncSplitter(create());
      const { frames, error } = split(splitter, [input]);
      assertEquals([frames.map(({ data }) => data), error], [[image, image], undefined]);
      assertEquals(splitter.damaged, 1);
    }
  }
});

Deno.test("PngSplitter holds no more than the limit and a chunk of an endless image", () => {
  const start = concat(PNG_START, header(5, 5));
  const chunk = pngChunk("IDAT", new Uint8Array(52));
  assert(bytesUntilError(create(1000), start, chunk) <= 1000 + 64);
});

Deno.test("PngSplitter refuses a chunk beyond the limit by its length", () => {
  const start = concat(
    PNG_START,
    header(5, 5),
    uint32(1000),
    pngChunk("IDAT", PNG_START).subarray(4),
  );
  assertStringIncludes(errorOf(create(1000), start).message, "--max-frame");
});

Deno.test("readPngSize reads the size of a PNG image and of nothing else", () => {
  assertEquals(readPngSize(png({ width: 70_000, height: 3 })), { width: 70_000, height: 3 });
  assertEquals(readPngSize(png().subarray(0, 28)), undefined);
  assertEquals(readPngSize(concat(PNG_START, pngChunk("IDAT", png()))), undefined);
});
