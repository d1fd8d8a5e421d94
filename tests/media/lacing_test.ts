// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { bytesOf } from "../../src/bytes/text.ts";
import { float64, uint64 } from "../../src/media/layout.ts";
import { concat, jpeg, uint16 } from "../split/samples.ts";
import { readBytes } from "./files.ts";

/** Pictures of sizes that take one byte or more to tell, also of differences. */
const PICTURES = [10, 10, 700, 20, 20_000, 30, 254, 255, 256, 1].map((bytes) =>
  concat(jpeg().slice(0, -2), new Uint8Array(bytes).fill(1), Uint8Array.of(0xff, 0xd9))
);

function element(id: readonly number[], ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const content = concat(...parts);
  const size = uint64(content.length);
  size[0] = 1;
  return concat(Uint8Array.from(id), size, content);
}

const number = (value: number) => Uint8Array.of(value >> 24, value >> 16, value >> 8, value);

type Lacing = "Xiph" | "EBML" | "fixed" | "none";
const FLAGS: Readonly<Record<Lacing, number>> = { none: 0, Xiph: 2, fixed: 4, EBML: 6 };

function block(lacing: Lacing, timeMs: number, frames: readonly Uint8Array[]): Uint8Array {
  const header = concat(Uint8Array.of(0x81), uint16(timeMs), Uint8Array.of(0x80 | FLAGS[lacing]));
  return concat(header, ...lacing === "none" ? [] : [sizesOf(lacing, frames)], ...frames);
}

function sizesOf(lacing: Lacing, frames: readonly Uint8Array[]): Uint8Array {
  const told = frames.slice(0, -1).map(({ length }) => length);
  const count = Uint8Array.of(frames.length - 1);
  if (lacing === "fixed") return count;
  const sizes = told.flatMap((size, index) => {
    if (lacing === "Xiph") return [...new Array(Math.floor(size / 255)).fill(255), size % 255];
    if (index === 0) return [0x40 | (size >> 8), size & 0xff];
    const step = size - told[index - 1]!;
    if (Math.abs(step) < 63) return [0x80 | (step + 63)];
    const value = step + 2 ** 20 - 1;
    return [0x20 | (value >> 16), value >> 8, value];
  });
  return concat(count, Uint8Array.from(sizes));
}

interface FileOptions {
  readonly blocks: readonly Uint8Array[];
  /** Time from frame to frame as the track tells it, in nanoseconds. */
  readonly stepNs?: number;
  /** Whether blocks have transparency beside their frames. @default {false} */
  readonly isTransparent?: boolean;
}

function fileOf({ blocks, stepNs, isTransparent = false }: FileOptions): Uint8Array<ArrayBuffer> {
  const track = element(
    [0xae],
    element([0xd7], Uint8Array.of(1)),
    element([0x73, 0xc5], Uint8Array.of(1)),
    element([0x83], Uint8Array.of(1)),
    element([0x86], bytesOf("V_MJPEG")),
    ...stepNs === undefined ? [] : [element([0x23, 0xe3, 0x83], number(stepNs))],
    element(
      [0xe0],
      element([0xb0], uint16(64)),
      element([0xba], uint16(48)),
      ...isTransparent ? [element([0x53, 0xc0], Uint8Array.of(1))] : [],
    ),
  );
  return concat(
    element([0x1a, 0x45, 0xdf, 0xa3], element([0x42, 0x82], bytesOf("matroska"))),
    element(
      [0x18, 0x53, 0x80, 0x67],
      element(
        [0x15, 0x49, 0xa9, 0x66],
        element([0x2a, 0xd7, 0xb1], number(1_000_000)),
        element([0x44, 0x89], float64(1000)),
      ),
      element([0x16, 0x54, 0xae, 0x6b], track),
      element([0x1f, 0x43, 0xb6, 0x75], element([0xe7], Uint8Array.of(0)), ...blocks),
    ),
  );
}

const simple = (bytes: Uint8Array) => element([0xa3], bytes);

for (const lacing of ["Xiph", "EBML", "fixed"] as const) {
  const frames = lacing === "fixed" ? PICTURES.map(() => PICTURES[2]!) : PICTURES;
  const last = PICTURES[0]!;

  Deno.test(`MatroskaBlocks gives every frame of blocks with ${lacing} lacing, by the time of the next block`, async () => {
    const blocks = [
      simple(block(lacing, 0, frames)),
      simple(block("none", 400, [last])),
      simple(block(lacing, 440, frames.slice(0, 2))),
    ];
    const seen = await readBytes(fileOf({ blocks }));
    assertEquals(seen.error, undefined);
    assertEquals(seen.frames.map(({ data }) => data), [...frames, last, ...frames.slice(0, 2)]);
    assertEquals(seen.damaged, 0);
    const timesMs = seen.frames.map(({ ptsUs }) => ptsUs! / 1000);
    assertEquals(timesMs, [0, 40, 80, 120, 160, 200, 240, 280, 320, 360, 400, 440, 480]);
    assertEquals(new Set(seen.frames.map(({ durationUs }) => durationUs)), new Set([40_000]));
  });

  Deno.test(`MatroskaBlocks takes the time of frames with ${lacing} lacing from the track or the block`, async () => {
    const laced = block(lacing, 0, frames);
    const group = element([0xa0], element([0xa1], laced), element([0x9b], uint16(200)));
    for (
      const [options, stepUs] of [
        [{ blocks: [simple(laced)], stepNs: 50_000_000 }, 50_000],
        [{ blocks: [element([0xa0], element([0xa1], laced))], stepNs: 50_000_000 }, 50_000],
        [{ blocks: [group] }, 20_000],
        [{ blocks: [simple(laced)] }, 40_000],
      ] as const
    ) {
      const seen = await readBytes(fileOf(options));
      assertEquals(seen.error, undefined);
      const times = seen.frames.map(({ ptsUs }) => ptsUs);
      assertEquals(times, frames.map((_, index) => index * stepUs));
    }
  });

  Deno.test(`MatroskaBlocks passes over a block whose ${lacing} lacing does not fit, and counts it`, async () => {
    const laced = block(lacing, 0, frames);
    const good = block("none", 500, [last]);
    let left = 0;
    for (const cut of [5, 6, 8, 13, 15, 17, 300, laced.length - 1]) {
      const { frames, error, damaged } = await readBytes(
        fileOf({ blocks: [simple(laced.subarray(0, cut)), simple(good)] }),
      );
      assertEquals(error, undefined);
      assertEquals(frames.at(-1)?.data, last);
      if (damaged > 0) left++;
    }
    assert(left > 5, `${left} were noticed`);
    const none = await readBytes(fileOf({ blocks: [simple(laced.subarray(0, 4))] }));
    assertMatch(String(none.error), /Cannot read movie: /);
  });
}

Deno.test("MatroskaBlocks tells how long pictures are shown that come out of order", async () => {
  const timesMs = [0, 120, 40, 80, 240, 160, 200, 360, 280, 320];
  const blocks = timesMs.map((timeMs) => simple(block("none", timeMs, [PICTURES[0]!])));
  const { frames } = await readBytes(fileOf({ blocks }));
  assertEquals(frames.map(({ ptsUs }) => ptsUs! / 1000), timesMs);
  assertEquals(frames.map(({ durationUs }) => durationUs), timesMs.map(() => 40_000));
});

Deno.test("MediaSource says that transparency beside the frames of a track is left out", async () => {
  const options = { blocks: [simple(block("none", 0, [PICTURES[0]!]))] };
  assertEquals((await readBytes(fileOf(options))).notes, []);
  const { frames, notes } = await readBytes(fileOf({ ...options, isTransparent: true }));
  assertEquals(frames.map(({ data }) => data), [PICTURES[0]]);
  assertMatch(
    notes.join(),
    /^the transparency in movie is left out, .*: ffmpeg -i movie .*-c:v png /,
  );
});

Deno.test("MatroskaBlocks gives 256 frames of one block, which are the most", async () => {
  const blocks = [simple(block("fixed", 0, new Array(256).fill(PICTURES[0])))];
  const { frames, error } = await readBytes(fileOf({ blocks, stepNs: 1_000_000 }));
  assertEquals(error, undefined);
  assertEquals(frames.length, 256);
  assertEquals(frames.at(-1)?.ptsUs, 255_000);
});
