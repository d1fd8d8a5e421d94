// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { HEADROOM_BYTES } from "../../src/bytes/headroom.ts";
import { bytesOf } from "../../src/bytes/text.ts";
import { bareConfig } from "../../src/core/frame.ts";
import { StreamError } from "../../src/errors.ts";
import { hevcPps, hevcSlice, hevcSps, hevcVps } from "../split/nal_samples.ts";
import { concat, uint32 } from "../split/samples.ts";
import { fileOf, h264Shots, readBytes, type Shot } from "./files.ts";

const CONTAINERS = ["x.mp4", "x.mkv"] as const;

function sentence(error: unknown): string {
  assert(error instanceof StreamError, String(error));
  assertEquals(error.code, "bad_input");
  assertMatch(error.message, /^Cannot read [^\n]*[^.]$/);
  return error.message;
}

for (const name of CONTAINERS) {
  Deno.test(`MediaSource gives the frames of ${name} as they were written, with their times`, async () => {
    const shots = h264Shots(53);
    const { frames, error } = await readBytes(fileOf(name, shots));
    assertEquals(error, undefined);
    assertEquals(frames.length, shots.length);
    for (const [index, { data, kind, ptsUs, config, leading, configuration }] of frames.entries()) {
      const shot = shots[index]!;
      assertEquals(data, shot.data, `frame ${index}`);
      assertEquals([kind, ptsUs, leading], [shot.kind, shot.timeUs, false]);
      assertEquals(configuration, kind === "key");
      assert(data.byteOffset >= HEADROOM_BYTES);
      assertEquals(config, frames[0]!.config);
      assert(config === frames[0]!.config, "the same object");
    }
    const { format, codec, width, height, frameRate } = frames[0]!.config;
    assertEquals([format, codec, width, height], ["h264", "avc1.42c01e", 160, 128]);
    assertEquals(frameRate, 25);
  });

  Deno.test(`MediaSource gives what there is of ${name} that ends anywhere, and counts that it was cut off`, async () => {
    const shots = h264Shots(103);
    const file = fileOf(name, shots);
    const counts = new Set<number>();
    for (let size = 0; size < file.length; size += Math.ceil(file.length / 40)) {
      const { frames, error, damaged, fault } = await readBytes(file.subarray(0, size));
      assert(
        frames.every(({ data }, index) => data.every((b, at) => b === shots[index]!.data[at])),
      );
      counts.add(frames.length);
      if (frames.length === 0) {
        sentence(error);
        continue;
      }
      assertEquals(error, undefined);
      assertEquals(damaged, 1);
      const why = "the file was cut off before its end";
      const expected = { frame: frames.length + 1, why, advice: "copy it again", isCutOff: true };
      assertEquals(fault, expected);
    }
    // What a cluster of Matroska holds is read once all of it is there.
    assert(counts.size > (name === "x.mkv" ? 2 : 5), "the longer the file, the more frames");
  });

  Deno.test(`MediaSource gives frames or one sentence for ${name} with bits flipped, and ends`, async () => {
    const file = fileOf(name, h264Shots(12));
    let seed = 7;
    const random = (limit: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor(seed / 2 ** 31 * limit);
    };
    const outcomes = new Set<boolean>();
    for (let round = 0; round < 200; round++) {
      const damaged = file.slice(0, round % 4 === 3 ? random(file.length) : file.length);
      for (let flips = 2 ** (round % 6); flips > 0 && damaged.length > 0; flips--) {
        const at = round % 2 === 0 ? random(damaged.length) : random(Math.min(700, damaged.length));
        damaged[at]! ^= 1 << random(8);
      }
      const { error } = await readBytes(damaged);
      outcomes.add(error === undefined);
      if (error !== undefined) sentence(error);
    }
    assertEquals(outcomes.size, 2, "some can be read, others not");
  });
}

Deno.test("MediaSource ends where the parts of a Matroska file lead nowhere", async () => {
  // Nothing of what Matroska knows stands behind the header: a search for it finds the file's end.
  const file = fileOf("x.mkv", h264Shots(12));
  for (const size of [900, 907, 1000]) {
    const lost = file.slice(0, size);
    lost.fill(0x11, 60);
    sentence((await readBytes(lost)).error);
  }
});

Deno.test("MediaSource marks pictures that need what stands before an open GOP", async () => {
  const config = bareConfig("hevc", { codec: "hev1.1.6.L30.90", width: 64, height: 48 });
  const sets = concat(hevcVps(), hevcSps(), hevcPps());
  const [idr, cra, raslN, trail] = [20, 21, 8, 1].map((type) => hevcSlice({ type }));
  const shots: Shot[] = [
    { data: concat(sets, idr!), kind: "key", timeUs: 0, config },
    { data: trail!, kind: "delta", timeUs: 40_000, config },
    { data: concat(sets, cra!), kind: "key", timeUs: 120_000, config },
    { data: raslN!, kind: "delta", timeUs: 80_000, config },
    { data: trail!, kind: "delta", timeUs: 160_000, config },
  ];
  for (const name of CONTAINERS) {
    const { frames, error } = await readBytes(fileOf(name, shots));
    assertEquals(error, undefined);
    assertEquals(frames.map(({ kind }) => kind), shots.map(({ kind }) => kind));
    assertEquals(frames.map(({ leading }) => leading), [false, false, false, true, false]);
    assertEquals(frames.map(({ data }) => data), shots.map(({ data }) => data));
  }
});

Deno.test("MediaSource says what is wrong with a file that has no frames for it", async () => {
  const whole = fileOf("x.mp4", h264Shots(12));
  const otherCodec = whole.slice();
  const at = latin1Index(whole, "avc1");
  otherCodec.set(bytesOf("mp4v"), at);
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [
      otherCodec,
      /its video is coded as mp4v [^,]+, or MPEG-2\), which the relay does not support; try: ffmpeg -i movie /,
    ],
    [whole.subarray(0, 40), /was cut off before the list of its frames; copy it again$/],
    [concat(uint32(16), bytesOf("ftypisom"), uint32(0)), /it contains no video; try: ffmpeg/],
    [new Uint8Array(0), /damaged|cut off/],
  ];
  for (const [file, why] of cases) assertMatch(sentence((await readBytes(file)).error), why);
});

Deno.test("MediaSource refuses a frame that is larger than the limit, after those before it", async () => {
  const shots = h264Shots(10, 2000).map((shot, index) =>
    index === 7 ? { ...shot, data: h264Shots(8, 1_100_000)[7]!.data } : shot
  );
  const { frames, error } = await readBytes(fileOf("x.mkv", shots));
  assertEquals(frames.length, 7);
  assertMatch(
    sentence(error),
    /frame 8 of movie: it has 11\d+ bytes, at most 1000000 are read; .*--max-frame/,
  );
});

function latin1Index(bytes: Uint8Array, text: string): number {
  const wanted = bytesOf(text);
  return bytes.findIndex((_, at) => wanted.every((byte, offset) => bytes[at + offset] === byte));
}
