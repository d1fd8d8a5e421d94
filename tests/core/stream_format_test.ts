// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { FORMAT_FACTS, frameFormatOf, STREAM_FORMATS } from "../../src/core/stream_format.ts";

Deno.test("FORMAT_FACTS promises one format by each extension", () => {
  for (const which of ["extensions", "runExtensions"] as const) {
    const all = STREAM_FORMATS.flatMap((format) => FORMAT_FACTS[format][which]);
    assertEquals(all, [...new Set(all)]);
  }
});

Deno.test("FORMAT_FACTS names no extension that does not promise the format", () => {
  for (const format of STREAM_FORMATS) {
    const { extension, extensions, runExtensions } = FORMAT_FACTS[format];
    assert(extensions.length === 0 || extensions.includes(extension), format);
    assertEquals(runExtensions.filter((run) => !extensions.includes(run)), [], format);
  }
});

Deno.test("frameFormatOf finds the image that a frame is by itself", () => {
  const cases = [
    ["lp32", "jpeg", "mjpeg"],
    ["lp32", "png", "png"],
    ["lp32", null, "lp32"],
    ["lp32", "pixels", "lp32"],
    ["raw", "raw", "raw"],
    ["h264", "avc1.640028", "h264"],
    ["png", "jpeg", "png"],
  ] as const;
  for (const [format, codec, expected] of cases) {
    assertEquals(frameFormatOf({ format, codec }), expected, `${format} ${codec}`);
  }
});

Deno.test("frameFormatOf makes nothing of a codec but one of the formats, whatever it is called", () => {
  const codecs = fc.oneof(
    fc.constantFrom(...Object.getOwnPropertyNames(Object.prototype), ...STREAM_FORMATS),
    fc.string(),
  );
  fc.assert(fc.property(fc.constantFrom(...STREAM_FORMATS), codecs, (format, codec) => {
    const seen = frameFormatOf({ format, codec });
    assert(seen === format || FORMAT_FACTS[seen].picture === codec, `${format} ${codec} ${seen}`);
  }));
});
