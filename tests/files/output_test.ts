// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { frameFile, FrameRun, refuseForeignName } from "../../src/files/output.ts";
import { bareConfig } from "../../src/core/frame.ts";
import { StreamError } from "../../src/errors.ts";

const DATA = Uint8Array.of(1, 2, 3);

for (
  const [name, format, right] of [
    ["x.jpg", "h264", ".h264"],
    ["x.JPEG", "png", ".png"],
    ["x.png", "mjpeg", ".jpg"],
    ["x.y4m", "mjpeg", ".jpg"],
    ["x.265", "h264", ".h264"],
    ["x.vp8", "vp9", ".vp9"],
  ] as const
) {
  Deno.test(`frameFile and FrameRun refuse ${name} for frames of ${format}`, () => {
    for (
      const write of [
        () => frameFile(name, DATA, bareConfig(format)),
        () => new FrameRun(name).next(DATA, bareConfig(format)),
      ]
    ) {
      const error = assertThrows(write, StreamError);
      assertEquals(error.code, "usage");
      assertStringIncludes(error.message, `use a name that ends in ${right}`);
    }
  });
}

for (
  const [name, format] of [
    ["x.jpeg", "mjpeg"],
    ["x.mjpg", "mjpeg"],
    ["x.264", "h264"],
    ["x.bin", "h264"],
    ["x", "png"],
    ["jpg", "png"],
  ] as const
) {
  Deno.test(`frameFile and FrameRun write frames of ${format} to ${name}`, () => {
    assertEquals(frameFile(name, DATA, bareConfig(format)), DATA);
    assertEquals(new FrameRun(name).next(DATA, bareConfig(format)), DATA);
  });
}

Deno.test("refuseForeignName refuses what is not written here, whatever its case and folder", () => {
  for (
    const name of [
      "a.avi",
      "out/A.FLV",
      "x-%03d.TS",
      "film.zip",
      "a.mka",
      "a.mpjpeg",
      "a.exe",
      "udp://10.0.0.1:5000",
    ]
  ) {
    const error = assertThrows(() => refuseForeignName(name), StreamError);
    assertEquals(error.code, "usage");
  }
  for (const name of ["a.mp4", "avi", "a.avi/%d", "x.raw", "a.b.c", "frames.rgb", "x."]) {
    refuseForeignName(name);
  }
});
