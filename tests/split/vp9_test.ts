// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { readVp9KeyFrame } from "../../src/split/vp9.ts";
import { vp9Frame, type Vp9Options, vp9Superframe } from "./ivf_samples.ts";

function read(options: Vp9Options, frameRate: number | null = 30): string | undefined {
  const keyFrame = readVp9KeyFrame(vp9Frame(options), frameRate);
  return keyFrame && `${keyFrame.codec} ${keyFrame.width}x${keyFrame.height}`;
}

Deno.test("readVp9KeyFrame reads profile, bits and size of a key frame", () => {
  const size = { width: 1280, height: 719 };
  assertEquals(read({ ...size }), "vp09.00.31.08 1280x719");
  assertEquals(read({ ...size, profile: 1 }), "vp09.01.31.08 1280x719");
  assertEquals(read({ ...size, profile: 2 }), "vp09.02.31.10 1280x719");
  assertEquals(read({ ...size, profile: 2, isTwelveBit: 1 }), "vp09.02.31.12 1280x719");
  assertEquals(read({ ...size, profile: 3 }), "vp09.03.31.10 1280x719");
  assertEquals(read({ ...size, profile: 3, isTwelveBit: 1 }), "vp09.03.31.12 1280x719");
  assertEquals(read({ width: 1, height: 65_536 }), "vp09.00.62.08 1x65536");
});

Deno.test("readVp9KeyFrame reads RGB, which the odd profiles alone have", () => {
  const rgb = { colorSpace: 7, width: 640, height: 480 };
  assertEquals(read({ ...rgb, profile: 1 }), "vp09.01.30.08 640x480");
  assertEquals(read({ ...rgb, profile: 3 }), "vp09.03.30.10 640x480");
  assertEquals([read({ ...rgb }), read({ ...rgb, profile: 2 })], [undefined, undefined]);
});

Deno.test("readVp9KeyFrame names the lowest level for the size and the rate", () => {
  const cases: [number, number, number | null, string][] = [
    [256, 144, 15, "10"],
    [256, 144, 30, "11"],
    [256, 145, 15, "11"],
    [512, 72, 15, "10"],
    [513, 71, 15, "11"],
    [640, 360, 30, "21"],
    [1280, 720, 40, "31"],
    [1280, 720, 41, "40"],
    [1920, 1080, 30, "40"],
    [1920, 1080, 60, "41"],
    [1920, 1080, null, "41"],
    [3840, 2160, 30, "50"],
    [3840, 2160, 60, "51"],
    [3840, 2160, 120, "52"],
    [7680, 4320, 30, "60"],
    [7680, 4320, 60, "61"],
    [7680, 4320, 120, "62"],
    [65_536, 65_536, 240, "62"],
  ];
  for (const [width, height, rate, level] of cases) {
    const expected = `vp09.00.${level}.08 ${width}x${height}`;
    assertEquals(read({ width, height }, rate), expected, `${width}x${height} ${rate}`);
  }
});

Deno.test("readVp9KeyFrame takes nothing that is no key frame", () => {
  assertEquals(read({ isInterFrame: 1 }), undefined);
  assertEquals(read({ showsExistingFrame: 1 }), undefined);
  assertEquals(readVp9KeyFrame(new Uint8Array(0), 30), undefined);
});

Deno.test("readVp9KeyFrame takes no header that is broken or cut short", () => {
  const spoiled: Vp9Options[] = [
    { marker: 0 },
    { marker: 3 },
    { profile: 3, reservedBit: 1 },
    { syncCode: 0x498343 },
    { syncCode: 0x098342 },
    { profile: 1, colorReservedBit: 1 },
    { profile: 3, colorReservedBit: 1 },
    { profile: 1, colorSpace: 7, colorReservedBit: 1 },
    { profile: 1, subsampling: 3 },
  ];
  for (const options of spoiled) assertEquals(read(options), undefined, JSON.stringify(options));
  const frame = vp9Frame();
  const counts = [...Array(frame.length).keys()];
  const found = counts.filter((count) => readVp9KeyFrame(frame.subarray(0, count), 30));
  assertEquals(found[0], 9);
});

Deno.test("readVp9KeyFrame goes by the first frame of a superframe, hidden or not", () => {
  const isKeyFrame = (...frames: Uint8Array[]): boolean =>
    readVp9KeyFrame(vp9Superframe(...frames), 30) !== undefined;
  const [shown, hidden, inter] = [{}, { isShown: 0 }, { isInterFrame: 1 }].map(vp9Frame);
  assertEquals(isKeyFrame(shown!, inter!), true);
  assertEquals(isKeyFrame(hidden!, inter!), true);
  assertEquals(isKeyFrame(inter!, shown!), false);
});
