// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { bytesOf, latin1 } from "../../src/bytes/text.ts";
import { StreamError } from "../../src/errors.ts";
import { concat, uint16 } from "../split/samples.ts";
import { fileOf, readBytes, type Shot } from "./files.ts";
import { box, FILE_TYPE, movieOf, plainShots } from "./movies.ts";

const SMALL = plainShots(10, [10, 8]);
const LARGE = plainShots(10, [20, 15]);

async function framesOf(bytes: Uint8Array) {
  const seen = await readBytes(bytes);
  assertEquals(seen.error, undefined);
  return seen;
}

function assertSameFrames(
  frames: readonly { readonly data: Uint8Array }[],
  shots: readonly Shot[],
) {
  assertEquals(frames.length, shots.length);
  for (const [index, { data }] of frames.entries()) assertEquals(data, shots[index]!.data);
}

Deno.test("MediaSource reads each frame of a movie by its own sample description", async () => {
  const { frames } = await framesOf(movieOf({ runs: [SMALL, LARGE, SMALL] }));
  assertSameFrames(frames, [...SMALL, ...LARGE, ...SMALL]);
  const sizes = frames.map(({ config: { width, height } }) => `${width}x${height}`);
  assertEquals(new Set(sizes.slice(0, 10)), new Set(["160x128"]));
  assertEquals(new Set(sizes.slice(10, 20)), new Set(["320x240"]));
  assertEquals(new Set(sizes.slice(20)), new Set(["160x128"]));
  assertEquals(frames.map(({ ptsUs }) => ptsUs), frames.map((_, index) => index * 40_000));
});

for (
  const [what, front] of [
    ["nothing", []],
    ...["free", "skip", "wide", "pnot", "uuid", "styp"].map((type) =>
      [type, [box(type, new Uint8Array(20))]] as const
    ),
    ["wide of no bytes, and free", [box("wide"), box("free")]],
  ] as const
) {
  for (const isMovieFirst of [false, true]) {
    const place = isMovieFirst ? "moov" : "mdat";
    Deno.test(`MediaSource reads a movie without ftyp that begins with ${what} and ${place}`, async () => {
      const { frames } = await framesOf(movieOf({ runs: [SMALL], front, isMovieFirst }));
      assertSameFrames(frames, SMALL);
    });
  }
}

for (
  const [what, tail] of [
    ["a newline", bytesOf("\n")],
    ["zeros", new Uint8Array(700)],
    ["text", bytesOf("<html>not found</html>\n".repeat(50))],
    ["a box of which only the header is there", box("uuid", new Uint8Array(100)).subarray(0, 30)],
  ] as const
) {
  Deno.test(`MediaSource reads a movie with ${what} behind its last box, and says it once`, async () => {
    for (const isMovieFirst of [false, true]) {
      const { frames, notes } = await framesOf(movieOf({ runs: [SMALL], tail, isMovieFirst }));
      assertSameFrames(frames, SMALL);
      assertEquals(notes.length, 1);
      assertMatch(notes[0]!, /^left out (1 byte|\d+ bytes) after the end of the film in movie$/);
    }
  });
}

Deno.test("MediaSource goes on with the fragments behind a movie that lists its first samples", async () => {
  const [first, rest] = [LARGE.slice(0, 5), LARGE.slice(5)];
  const whole = fileOf("rest.mp4", rest);
  const fragments = whole.subarray(latin1(whole).indexOf("moof") - 4);
  for (const isMovieFirst of [false, true]) {
    for (const runs of [[first], [SMALL, first]]) {
      const movie = movieOf({ runs, isMovieFirst, isContinued: true });
      const shots = [...runs.flat(), ...rest];
      const { frames, damaged } = await framesOf(concat(movie, fragments));
      assertSameFrames(frames, shots);
      assertEquals(damaged, 0);
      const { length } = runs.flat();
      assertEquals(frames[length - 1]!.ptsUs, (length - 1) * 40_000);
      assertEquals(
        frames.slice(length).map(({ ptsUs }) => ptsUs),
        rest.map(({ timeUs }) => timeUs),
      );
    }
  }
});

Deno.test("MediaSource says nothing of a whole movie, and names sound that it leaves out", async () => {
  assertEquals((await framesOf(movieOf({ runs: [SMALL] }))).notes, []);
  const { frames, notes } = await framesOf(movieOf({ runs: [SMALL], hasSound: true }));
  assertSameFrames(frames, SMALL);
  assertEquals(notes, ["the sound in movie is left out: a stream carries only video"]);
});

Deno.test("MediaSource names the other videos of a file, which it leaves out", async () => {
  const { frames, notes } = await framesOf(movieOf({ runs: [SMALL], hasOtherVideo: true }));
  assertSameFrames(frames, SMALL);
  assertEquals(notes, [
    "the other video in movie is left out; to publish another: " +
    "ffmpeg -i movie -map 0:v:1 -c copy other.mp4",
  ]);
});

Deno.test("MediaSource begins a trimmed movie at a key frame, and hides what is before its start", async () => {
  const shown = async (startMs: number) => {
    const { frames } = await framesOf(movieOf({ runs: [SMALL], startMs }));
    return frames.map(({ catchUp }) => catchUp === true ? "-" : "+").join("");
  };
  assertEquals(await shown(0), "++++++++++");
  assertEquals(await shown(120), "---+++++++");
  assertEquals(await shown(200), "+++++", "the second key frame is the first to be shown");
  assertEquals(await shown(280), "--+++");
});

Deno.test("MediaSource ends a movie where its edits do, and says that it makes no cuts within", async () => {
  const shown = async (edits: readonly (readonly [number, number])[]) => {
    const { frames, notes } = await framesOf(movieOf({ runs: [SMALL], edits }));
    const marks = frames.map(({ catchUp }) => catchUp === true ? "-" : "+").join("");
    return [marks, ...notes.map((note) => note.split(":")[0]!)];
  };
  const cuts = "the cuts in movie are left out";
  assertEquals(await shown([[200, 0]]), ["+++++"]);
  assertEquals(await shown([[400, 0]]), ["++++++++++"]);
  assertEquals(
    await shown([[201, 0]]),
    ["++++++"],
    "a picture that begins before the end is shown",
  );
  assertEquals(await shown([[160, 120]]), ["---++++"]);
  assertEquals(await shown([[800, -1], [200, 0]]), ["+++++"], "a delay is no part of the film");
  assertEquals(await shown([[0, 0]]), ["++++++++++"], "no duration stands for the rest");
  assertEquals(await shown([[120, 0], [120, 120]]), ["++++++"], "parts that follow are one");
  assertEquals(await shown([[120, 0], [120, 240]]), ["++++++++++", cuts]);
  assertEquals(await shown([[120, 240], [120, 0]]), ["-++++", cuts]);
  assertEquals(await shown([[200, -1]]), ["++++++++++"], "a list without a part says nothing");
});

Deno.test("MediaSource says that pictures should be mirrored, and of turned ones nothing", async () => {
  for (const matrix of [[0, 1, -1, 0], [-1, 0, 0, -1], [0, -1, 1, 0]] as const) {
    const { frames, notes } = await framesOf(movieOf({ runs: [SMALL], matrix }));
    assertEquals(notes, []);
    assert(frames[0]!.config.rotation !== undefined);
  }
  for (const matrix of [[-1, 0, 0, 1], [1, 0, 0, -1], [0, 1, 1, 0]] as const) {
    const { notes } = await framesOf(movieOf({ runs: [SMALL], matrix }));
    assertEquals(notes, [
      "the pictures in movie should be mirrored, which is left out; ffmpeg does it: " +
      "ffmpeg -i movie -f mjpeg -q:v 3 - | stream publish",
    ]);
  }
});

Deno.test("MediaSource carries the colours and the shape of pixels that a movie tells", async () => {
  const colr = box("colr", bytesOf("nclx"), ...[9, 14, 9].map(uint16), Uint8Array.of(0x80));
  const pasp = box("pasp", Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 3));
  const { frames } = await framesOf(movieOf({ runs: [SMALL], inEntry: [colr, pasp] }));
  const { primaries, transfer, matrix, fullRange, displayWidth, displayHeight } = frames[0]!.config;
  assertEquals([primaries, transfer, matrix, fullRange], [9, 14, 9, true]);
  assertEquals([displayWidth, displayHeight], [213, 128]);
  const untold = box("colr", bytesOf("nclc"), ...[2, 2, 2].map(uint16));
  const { config } = (await framesOf(movieOf({ runs: [SMALL], inEntry: [untold] }))).frames[0]!;
  assert(!("primaries" in config) && !("fullRange" in config));
});

Deno.test("MediaSource says that a movie is encrypted, and what to do", async () => {
  const { frames, error } = await readBytes(movieOf({ runs: [SMALL], entry: "encv" }));
  assertEquals(frames.length, 0);
  assert(error instanceof StreamError);
  assertMatch(
    error.message,
    /^Cannot read movie: its video is encrypted; .*ffmpeg -decryption_key KEY -i movie -c copy/,
  );
});

Deno.test("MediaSource names the coding of a movie that no stream carries, also one of three letters", async () => {
  for (const [entry, name] of [["rle ", "QuickTime Animation"], ["raw ", "raw pixels"]] as const) {
    const { error } = await readBytes(movieOf({ runs: [SMALL], entry }));
    assertMatch(
      String(error),
      RegExp(
        `its video is coded as ${name}, which the relay does not support; try: ffmpeg -i movie`,
      ),
    );
  }
});

Deno.test("MediaSource follows a size that changes within one sample description", async () => {
  const both = [...SMALL, ...LARGE];
  const { frames } = await framesOf(movieOf({ runs: [both] }));
  assertEquals(frames.map(({ config }) => config.width), both.map(({ config }) => config.width));
});

Deno.test("MediaSource gives frames or one sentence for a movie of several descriptions with bits flipped", async () => {
  const file = movieOf({ runs: [SMALL, LARGE], front: [FILE_TYPE], isMovieFirst: true });
  let seed = 3;
  const random = (limit: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor(seed / 2 ** 31 * limit);
  };
  const outcomes = new Set<boolean>();
  for (let round = 0; round < 150; round++) {
    const damaged = concat(file);
    for (let flips = 1 + round % 8; flips > 0; flips--) damaged[random(1500)]! ^= 1 << random(8);
    const { error } = await readBytes(damaged);
    outcomes.add(error === undefined);
    if (error !== undefined) assert(error instanceof StreamError, String(error));
  }
  assertEquals(outcomes.size, 2);
});
