// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { readVp8KeyFrame } from "../../src/split/vp8.ts";
import { VP8_DELTA, vp8KeyFrame } from "./ivf_samples.ts";
import { concat } from "./samples.ts";

Deno.test("readVp8KeyFrame reads the size of a key frame without the bits for scaling", () => {
  const frame = vp8KeyFrame({ width: 0x4000 | 176, height: 0xc000 | 144 });
  assertEquals(readVp8KeyFrame(frame), { codec: "vp8", width: 176, height: 144 });
  const largest = vp8KeyFrame({ width: 0x3fff, height: 1 });
  assertEquals(readVp8KeyFrame(largest), { codec: "vp8", width: 16_383, height: 1 });
});

Deno.test("readVp8KeyFrame takes the four versions, and nothing that is no key frame", () => {
  const versions = [0, 1, 2, 3, 4, 7].map((version) => readVp8KeyFrame(vp8KeyFrame({ version })));
  assertEquals(versions.map((found) => found !== undefined), [
    true,
    true,
    true,
    true,
    false,
    false,
  ]);
  const interFrame = concat(Uint8Array.of(0x11), vp8KeyFrame().subarray(1));
  for (const frame of [VP8_DELTA, interFrame, new Uint8Array(0)]) {
    assertEquals(readVp8KeyFrame(frame), undefined);
  }
});

Deno.test("readVp8KeyFrame takes no header that is broken or cut short", () => {
  const spoiled = [
    vp8KeyFrame({ startCode: [0x9d, 0x01, 0x2b] }),
    vp8KeyFrame({ startCode: [0x9c, 0x01, 0x2a] }),
    vp8KeyFrame({ width: 0 }),
    vp8KeyFrame({ height: 0x8000 }),
  ];
  assertEquals(spoiled.map(readVp8KeyFrame), spoiled.map(() => undefined));
  const counts = [...Array(30).keys()];
  const found = counts.filter((count) => readVp8KeyFrame(vp8KeyFrame().subarray(0, count)));
  assertEquals(found[0], 10);
});
