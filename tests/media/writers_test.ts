// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { openRecording } from "../../src/files/recording.ts";
import { bareConfig, presentationOf } from "../../src/core/frame.ts";
import { DecodeTimes } from "../../src/media/decode_times.ts";
import { concat, ramp } from "../split/samples.ts";
import { FileBytes, fileOf, H264_SETS, h264Shots, readBytes } from "./files.ts";

Deno.test("DecodeTimes gives the times of presentation where pictures come in order", () => {
  const shown = [0, 40, 80, 120];
  const times = DecodeTimes.of(shown);
  assertEquals(times.delayUs, 0);
  assertEquals(shown.map((timeUs) => times.next(timeUs)), shown);
});

Deno.test("DecodeTimes grow, and none is after the time at which its picture is shown", () => {
  // A pyramid: each picture in the middle is decoded before those on its sides.
  const pyramid = [4, 2, 1, 3];
  const groups = Array.from({ length: 50 }, (_, group) => pyramid.map((at) => group * 4 + at));
  const shown = [0, ...groups.flat()].map((place) => place * 40);
  const times = DecodeTimes.of(shown.slice(0, 20));
  assertEquals(times.delayUs, 80);
  let last = -1;
  for (const timeUs of shown) {
    const peeked = times.peek(timeUs);
    const decodeUs = times.next(timeUs);
    assertEquals(peeked, decodeUs);
    assert(decodeUs > last && decodeUs <= timeUs + times.delayUs, `${decodeUs} for ${timeUs}`);
    last = decodeUs;
  }
});

Deno.test("DecodeTimes grow whatever the times of presentation are", () => {
  const times = DecodeTimes.of([0]);
  let last = -1;
  for (const timeUs of [0, 0, 100, 50, 50, 7, 200]) {
    const decodeUs = times.next(timeUs);
    assert(decodeUs > last);
    last = decodeUs;
  }
});

for (const name of ["x.mp4", "x.mkv"]) {
  Deno.test(`A recording ${name} can be read up to its last second without its end`, async () => {
    const shots = h264Shots(130);
    const killed = await readBytes(fileOf(name, shots, { whole: false }));
    assert(killed.frames.length >= shots.length - 25, `${killed.frames.length} frames`);
    for (const [index, { data, ptsUs }] of killed.frames.entries()) {
      assertEquals([data, ptsUs], [shots[index]!.data, shots[index]!.timeUs]);
    }
  });

  Deno.test(`A recording ${name} holds little in memory, however long its GOPs are`, () => {
    const recording = openRecording(name);
    let held = 0;
    let most = 0;
    for (const [index, shot] of h264Shots(3000, 10_000).entries()) {
      const kind = index === 0 ? "key" : "delta";
      const { append } = recording.write({ ...shot, kind, timeUs: index * 40_000 });
      held += shot.data.length - append.reduce((sum, { length }) => sum + length, 0);
      most = Math.max(most, held);
    }
    assert(most < 26 * 10_100, `${most} bytes`);
  });

  Deno.test(`A recording ${name} keeps parameter sets that are others than its first`, async () => {
    const shots = h264Shots(15).map((shot, index) => {
      if (index !== 5) return shot;
      const other = shot.data.slice();
      // The same sets at another level.
      other[7]! += 1;
      return { ...shot, data: other };
    });
    const file = fileOf(name, shots);
    const { frames } = await readBytes(file);
    assertEquals(frames.map(({ data }) => data), shots.map(({ data }) => data));
  });
}

Deno.test("A recording in IVF is a header and the frames", () => {
  const shots = h264Shots(3).map(({ kind, timeUs }) => ({
    data: Uint8Array.of(0x11, 0, 0),
    kind,
    timeUs,
    config: { ...h264Shots(1)[0]!.config, format: "vp8" as const },
  }));
  const file = fileOf("x.ivf", shots);
  assertEquals(file.length, 32 + 3 * (12 + 3));
  assertEquals(String.fromCharCode(...file.subarray(8, 12)), "VP80");
});

Deno.test("A recording in a byte stream is the frames behind one another", () => {
  const shots = h264Shots(12);
  const file = fileOf("x.h264", shots);
  assertEquals(file, concat(...shots.map(({ data }) => data)));
  assertEquals(file.subarray(0, H264_SETS.length), H264_SETS);
});

Deno.test("A recording of MP4 ends each fragment at a key frame, or after a second", () => {
  const sizes: number[] = [];
  const recording = openRecording("x.mp4");
  const file = new FileBytes();
  for (const shot of h264Shots(60)) {
    const output = recording.write(shot);
    if (output.append.length > 0) sizes.push(output.append.length);
    file.take(output);
  }
  // Twelve GOPs of 200 ms: every second key frame is 250 ms behind the last end or more.
  assertEquals(sizes.length, 5);
});

Deno.test("A recording of MP4 holds no frame that belongs to somebody else", async () => {
  const config = bareConfig("vp9", { codec: "vp09.00.10.08", width: 16, height: 16 });
  const recording = openRecording("x.mp4");
  const file = new FileBytes();
  const data = ramp(50, 7);
  file.take(recording.write({ data, kind: "key", timeUs: 0, config }));
  const before = data.slice();
  data.fill(0);
  file.take(recording.finish());
  assertEquals((await readBytes(file.bytes)).frames[0]!.data, before);
});

Deno.test("A recording of MP4 ends a fragment that has become large", () => {
  const recording = openRecording("x.mp4");
  let fragments = 0;
  for (const shot of h264Shots(30, 1_000_000)) {
    const { append } = recording.write({ ...shot, timeUs: shot.timeUs / 1000 });
    if (append.length > 0) fragments++;
  }
  assertEquals(fragments, 3);
});

Deno.test("A recording of Matroska marks key frames, and ends with all sizes known", () => {
  const recording = openRecording("x.mkv");
  const file = new FileBytes();
  for (const shot of h264Shots(80)) {
    const output = recording.write(shot);
    file.take(output);
    const header = output.append.at(-2)!;
    assertEquals(header.at(-1), shot.kind === "key" ? 0x80 : 0);
  }
  const unknown = "01ffffffffffffff";
  assertEquals(hexOf(file.bytes).split(unknown).length - 1, 2, "of the segment, and the cluster");
  file.take(recording.finish());
  assertEquals(hexOf(file.bytes).includes(unknown), false);
});

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

for (const name of ["x.mp4", "x.mkv"]) {
  Deno.test(`A recording ${name} keeps how pictures are turned, stretched and coloured`, async () => {
    const shown = { primaries: 9, transfer: 14, matrix: 9, fullRange: true };
    for (
      const presentation of [
        { ...shown, rotation: 90, displayWidth: 240, displayHeight: 128 },
        { rotation: 180 },
        { rotation: 270, displayWidth: 160, displayHeight: 240 },
        { transfer: 16 },
        {},
      ]
    ) {
      const shots = h264Shots(6).map((shot) => ({
        ...shot,
        config: { ...shot.config, ...presentation },
      }));
      const { frames, error } = await readBytes(fileOf(name, shots));
      assertEquals(error, undefined);
      const { fullRange, ...known } = presentationOf(frames[0]!.config);
      // MP4 has no place for a range that is not told.
      const range = "fullRange" in presentation || fullRange === true ? { fullRange } : {};
      assertEquals({ ...known, ...range }, presentation);
    }
  });
}
