// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { HEADROOM_BYTES } from "../../src/bytes/headroom.ts";
import { StreamError } from "../../src/errors.ts";
import {
  DEFAULT_PATTERN_SIZE,
  MAX_PATTERN_SIDE,
  patternLayout,
  TestPattern,
} from "../../src/picture/test_pattern.ts";
import { readClock, readCounter } from "./read_counter.ts";

const WALL_MS = Date.UTC(2026, 1, 3, 4, 5, 6, 78);

function pixelAt(rgb: Uint8Array, width: number, x: number, y: number): number[] {
  return [...rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

/** Left edge of the white box in the lane, or -1. */
function boxLeft(rgb: Uint8Array, width: number, height: number): number {
  const { laneTop } = patternLayout({ width, height });
  const white = (x: number) =>
    pixelAt(rgb, width, (x + width) % width, laneTop).every((level) => level === 255);
  return Array.from({ length: width }, (_, x) => x).findIndex((x) => white(x) && !white(x - 1));
}

Deno.test("TestPattern draws the frame number that it is given", () => {
  for (
    const [width, height] of [[640, 360], [1280, 720], [320, 240], [161, 91], [50, 40]] as const
  ) {
    const pattern = new TestPattern({ width, height });
    for (const frame of [0, 1, 9, 10, 29, 123, 98_765, 1_234_567, 24_680_135, 99_999_999]) {
      const rgb = pattern.render({ frame, wallMs: WALL_MS });
      assertEquals(readCounter(rgb, width, height), frame, `${frame} at ${width}x${height}`);
    }
  }
});

Deno.test("TestPattern counts over every frame of a minute", () => {
  const { width, height } = { width: 64, height: 36 };
  const pattern = new TestPattern({ width, height });
  for (let frame = 0; frame < 1800; frame++) {
    assertEquals(readCounter(pattern.render({ frame, wallMs: WALL_MS }), width, height), frame);
  }
});

Deno.test("TestPattern starts its counter again after the last number of its digits", () => {
  const pattern = new TestPattern(DEFAULT_PATTERN_SIZE);
  const rgb = pattern.render({ frame: 100_000_007, wallMs: WALL_MS });
  assertEquals(readCounter(rgb, 640, 360), 7);
});

Deno.test("TestPattern draws the time of day in UTC to the millisecond", () => {
  const pattern = new TestPattern(DEFAULT_PATTERN_SIZE);
  for (
    const [wallMs, time] of [
      [WALL_MS, "04:05:06.078"],
      [0, "00:00:00.000"],
      [Date.UTC(2030, 11, 31, 23, 59, 59, 999) + 0.9, "23:59:59.999"],
      [-1, "23:59:59.999"],
    ] as const
  ) {
    assertEquals(readClock(pattern.render({ frame: 5, wallMs }), 640, 360), time);
  }
});

Deno.test("TestPattern moves its box by the same step from each frame to the next", () => {
  for (const [width, height] of [[640, 360], [163, 91]] as const) {
    const { boxStep } = patternLayout({ width, height });
    const pattern = new TestPattern({ width, height });
    for (let frame = 0; frame < 200; frame++) {
      const rgb = pattern.render({ frame, wallMs: WALL_MS });
      assertEquals(boxLeft(rgb, width, height), frame * boxStep % width, `frame ${frame}`);
    }
  }
});

Deno.test("TestPattern shows the whole box in every frame, and only in its lane", () => {
  const [width, height] = [163, 91];
  const { laneTop, bandTop, boxWidth } = patternLayout({ width, height });
  const pattern = new TestPattern({ width, height });
  for (let frame = 0; frame < width; frame++) {
    const rgb = pattern.render({ frame, wallMs: WALL_MS });
    const whites = Array.from({ length: bandTop + 1 }, (_, y) => {
      const row = rgb.subarray(y * width * 3, (y + 1) * width * 3);
      return row.filter((level, i) => i % 3 === 1 && level === 255).length;
    });
    const wanted = whites.map((_, y) => y >= laneTop && y < bandTop ? boxWidth : 0);
    assertEquals(whites, wanted, `frame ${frame}`);
  }
});

Deno.test("TestPattern shows seven bars of 75 percent from gray to blue", () => {
  const rgb = new TestPattern(DEFAULT_PATTERN_SIZE).render({ frame: 0, wallMs: WALL_MS });
  const bars = Array.from({ length: 7 }, (_, bar) => pixelAt(rgb, 640, bar * 91 + 45, 10));
  assertEquals(bars, [
    [191, 191, 191],
    [191, 191, 0],
    [0, 191, 191],
    [0, 191, 0],
    [191, 0, 191],
    [191, 0, 0],
    [0, 0, 191],
  ]);
  assertEquals(pixelAt(rgb, 640, 0, 0), [191, 191, 191]);
  assertEquals(pixelAt(rgb, 640, 639, 0), [0, 0, 191]);
  assertEquals(pixelAt(rgb, 640, 0, 359), [16, 16, 16]);
});

Deno.test("TestPattern leaves a frame alone that it has returned", () => {
  const pattern = new TestPattern(DEFAULT_PATTERN_SIZE);
  const first = pattern.render({ frame: 1, wallMs: WALL_MS });
  const copy = first.slice();
  const second = pattern.render({ frame: 2, wallMs: WALL_MS });
  assertEquals(first, copy);
  assertNotEquals(first.buffer, second.buffer);
  assertEquals(pattern.render({ frame: 1, wallMs: WALL_MS }), copy);
});

Deno.test("TestPattern leaves room for a header before each frame", () => {
  const rgb = new TestPattern({ width: 16, height: 16 }).render({ frame: 0, wallMs: 0 });
  assertEquals(rgb.byteOffset, HEADROOM_BYTES);
  assertEquals(rgb.buffer.byteLength, HEADROOM_BYTES + 16 * 16 * 3);
});

Deno.test("TestPattern draws any size, and the counter wherever there is room for it", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 1, max: 64 }),
      fc.nat(),
      (width, height, frame) => {
        const rgb = new TestPattern({ width, height }).render({ frame, wallMs: WALL_MS });
        assertEquals(rgb.length, width * height * 3);
        const read = readCounter(rgb, width, height);
        if (patternLayout({ width, height }).counter === undefined) {
          assert(width < 49 || height < 24);
        } else assertEquals(read, frame % 1e8);
      },
    ),
    { seed: 7 },
  );
});

Deno.test("TestPattern draws the largest picture", () => {
  const [width, height] = [7680, 4320];
  const rgb = new TestPattern({ width, height }).render({ frame: 40_302_010, wallMs: WALL_MS });
  assertEquals(rgb.length, width * height * 3);
  assertEquals(readCounter(rgb, width, height), 40_302_010);
  assertEquals(readClock(rgb, width, height), "04:05:06.078");
});

Deno.test("TestPattern refuses a size that is no size and one past the limit", () => {
  for (const side of [0, -1, 1.5, NaN, MAX_PATTERN_SIDE + 1]) {
    const error = assertThrows(() => new TestPattern({ width: 16, height: side }), StreamError);
    assertEquals(error.code, "usage");
    assertThrows(() => new TestPattern({ width: side, height: 16 }), StreamError);
  }
  new TestPattern({ width: MAX_PATTERN_SIDE, height: 1 });
});

Deno.test("readCounter reads nothing from a picture without a counter", () => {
  assertEquals(readCounter(new Uint8Array(640 * 360 * 3), 640, 360), undefined);
  assertEquals(readCounter(new Uint8Array(640 * 360 * 3).fill(255), 640, 360), undefined);
  assertEquals(readCounter(new Uint8Array(16 * 16 * 3), 16, 16), undefined);
});
