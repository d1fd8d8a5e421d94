// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { decode } from "fast-png";
import { bareConfig, type StreamConfig } from "../../src/core/frame.ts";
import { StreamError } from "../../src/errors.ts";
import { encodePng, frameToPng } from "../../src/picture/png.ts";
import { TestPattern } from "../../src/picture/test_pattern.ts";
import { readCounter } from "./read_counter.ts";

const Y4M_HEADER = "YUV4MPEG2 W2 H2 F25:1 Ip A1:1 C420jpeg";

function y4mConfig(known: Partial<StreamConfig> = {}): StreamConfig {
  const y4m = { width: 2, height: 2, pixelFormat: "yuv420p", header: Y4M_HEADER };
  return bareConfig("y4m", { ...y4m, ...known });
}

/** A Y4M frame of 2 × 2 gray pixels. */
function y4mFrame(luma: number, line = "FRAME\n"): Uint8Array {
  const planes = Uint8Array.of(luma, luma, luma, luma, 128, 128);
  return Uint8Array.from([...new TextEncoder().encode(line), ...planes]);
}

Deno.test("encodePng makes a PNG that decodes to the same pixels, whatever the size", () => {
  const side = fc.integer({ min: 1, max: 64 });
  fc.assert(
    fc.property(side, side, fc.constantFrom(1, 3, 4), fc.nat(255), (width, height, count, seed) => {
      const channels = count as 1 | 3 | 4;
      const data = Uint8Array.from({ length: width * height * channels }, (_, i) => i * 97 + seed);
      const decoded = decode(encodePng({ data, width, height, channels }), { checkCrc: true });
      assertEquals([decoded.width, decoded.height, decoded.depth], [width, height, 8]);
      assertEquals(decoded.channels, channels);
      assertEquals(new Uint8Array(decoded.data), data);
    }),
    { seed: 3 },
  );
});

Deno.test("encodePng returns bytes that hold no larger buffer", () => {
  const png = encodePng({ data: new Uint8Array(30_000), width: 100, height: 100, channels: 3 });
  assertEquals(png.buffer.byteLength, png.length);
});

Deno.test("frameToPng shows a raw frame of the test pattern with its counter", () => {
  const [width, height] = [321, 181];
  const data = new TestPattern({ width, height }).render({ frame: 4711, wallMs: 0 });
  const config = bareConfig("raw", { width, height, pixelFormat: "rgb24" });
  const decoded = decode(frameToPng(data, config));
  assertEquals(new Uint8Array(decoded.data), data);
  assertEquals(readCounter(Uint8Array.from(decoded.data), width, height), 4711);
});

Deno.test("frameToPng passes over the line of a Y4M frame, with and without parameters", () => {
  for (const line of ["FRAME\n", "FRAME Ip\n", "FRAME Ip XANY=THING\n"]) {
    const decoded = decode(frameToPng(y4mFrame(235, line), y4mConfig()));
    assertEquals([...decoded.data], Array(12).fill(255), line);
  }
});

Deno.test("frameToPng takes the range of a Y4M stream from its header", () => {
  for (
    const [header, level] of [
      [Y4M_HEADER, 0],
      [`${Y4M_HEADER} XCOLORRANGE=LIMITED`, 0],
      [`${Y4M_HEADER} XCOLORRANGE=FULL`, 16],
      [`${Y4M_HEADER} XYSCSS=420JPEG XCOLORRANGE=FULL\n`, 16],
      [null, 0],
    ] as const
  ) {
    const decoded = decode(frameToPng(y4mFrame(16), y4mConfig({ header })));
    assertEquals([...decoded.data], Array(12).fill(level), String(header));
  }
});

Deno.test("frameToPng refuses what it cannot make a picture of, and says why", () => {
  const refusal = (data: Uint8Array, config: StreamConfig): string => {
    const error = assertThrows(() => frameToPng(data, config), StreamError);
    assertEquals(error.code, "failed");
    return error.message;
  };
  const bytes = new Uint8Array(12);
  assertEquals(
    refusal(bytes, bareConfig("mjpeg", { width: 2, height: 2, pixelFormat: "rgb24" })),
    "Cannot make a picture of a frame: its format is mjpeg",
  );
  for (const missing of ["width", "height", "pixelFormat"] as const) {
    const config = { ...bareConfig("raw", { width: 2, height: 2, pixelFormat: "rgb24" }) };
    assertEquals(
      refusal(bytes, { ...config, [missing]: null }),
      "Cannot make a picture of a raw frame: its size and pixel format are not known; " +
        "publish with --size and --pixel-format",
    );
  }
  for (
    const data of [
      new Uint8Array(0),
      y4mFrame(16, "FRAME "),
      y4mFrame(16, "FRAMES\n"),
      y4mFrame(16, "frame\n"),
    ]
  ) {
    assertEquals(
      refusal(data, y4mConfig()),
      "Cannot make a picture of a Y4M frame: it does not begin with a line FRAME",
    );
  }
  assertEquals(
    refusal(y4mFrame(16).subarray(0, 11), y4mConfig()),
    "Cannot convert a picture of 2x2 pixels in yuv420p: expected 6 bytes, found 5",
  );
});
