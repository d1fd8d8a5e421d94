// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { StreamError } from "../../src/errors.ts";
import { RawSplitter } from "../../src/split/raw.ts";
import { errorOf, ramp, split } from "./samples.ts";

const maxFrameBytes = 4096;

Deno.test("RawSplitter derives the frame size from the picture, colour planes rounded up", () => {
  const sizes: [string, number][] = [
    ["rgb24", 45],
    ["bgra", 60],
    ["gray", 15],
    ["yuv420p", 27],
    ["nv12", 27],
    ["yuyv422", 36],
    ["yuv422p10le", 66],
  ];
  for (const [pixelFormat, frameBytes] of sizes) {
    const splitter = new RawSplitter({ width: 5, height: 3, pixelFormat, maxFrameBytes });
    const { frames, error } = split(splitter, [ramp(2 * frameBytes)]);
    assertEquals(error, undefined);
    assertEquals(frames.map(({ data }) => data.length), [frameBytes, frameBytes]);
    const { codec, width, height } = frames[0]!.config;
    assertEquals([codec, width, height], ["raw", 5, 3]);
    assertEquals(frames[0]!.config.pixelFormat, pixelFormat);
  }
});

Deno.test("RawSplitter knows nothing of the picture from a size in bytes", () => {
  const { frames } = split(new RawSplitter({ frameBytes: 7, maxFrameBytes }), [ramp(7)]);
  const { codec, width, height, pixelFormat } = frames[0]!.config;
  assertEquals([codec, width, height, pixelFormat], ["raw", null, null, null]);
});

Deno.test("RawSplitter refuses options that make no frame size, as a usage error", () => {
  const wrong = [
    { frameBytes: 0 },
    { frameBytes: -1 },
    { frameBytes: 1.5 },
    { frameBytes: NaN },
    { width: 0, height: 1, pixelFormat: "gray" },
    { width: 1, height: 2 ** 60, pixelFormat: "gray" },
    { width: 1, height: 1, pixelFormat: "grey" },
  ];
  for (const options of wrong) {
    const error = assertThrows(() => new RawSplitter({ ...options, maxFrameBytes }), StreamError);
    assertEquals(error.code, "usage");
  }
});

Deno.test("RawSplitter refuses a frame over the limit without setting memory aside", () => {
  const splitter = new RawSplitter({
    width: 2 ** 30,
    height: 2 ** 20,
    pixelFormat: "gray",
    maxFrameBytes,
  });
  assertStringIncludes(errorOf(splitter, ramp(10)).message, "at most 4096 bytes (--max-frame)");
});

Deno.test("RawSplitter says how much of the last frame there was, and what to check", () => {
  const splitter = new RawSplitter({ frameBytes: 8, maxFrameBytes });
  assertEquals(
    errorOf(splitter, ramp(19)).message,
    "Cannot read frame 3 at byte 19: expected a frame of 8 bytes, found the end of the input after " +
      "3 bytes; check that the size and the pixel format are those of the input",
  );
});
