// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { InputError } from "../../src/errors.ts";
import { createInputSplitter } from "../../src/media/input_splitter.ts";
import { MatroskaFinder } from "../../src/media/matroska_splitter.ts";
import { MovieFinder } from "../../src/media/movie_splitter.ts";
import { ResyncSplitter } from "../../src/split/resync.ts";
import type { SplitFrame, Splitter } from "../../src/split/splitter.ts";
import { bytesOf } from "../../src/bytes/text.ts";
import { concat, cutAt, ramp, split, uint32 } from "../split/samples.ts";
import { cases } from "../thorough.ts";
import { fileOf, h264Shots, readBytes } from "./files.ts";
import { box, FILE_TYPE, movieOf, plainShots } from "./movies.ts";
import { packetsOf } from "./transport.ts";

const MAX_FRAME_BYTES = 100_000;
const SHOTS = h264Shots(60);
const MUTANTS = cases(2000);
const CLUSTER = Uint8Array.of(0x1f, 0x43, 0xb6, 0x75);
const FRAGMENT = bytesOf("moof");

function create(resyncs = true, onNote = (_: string): void => {}): Splitter {
  return createInputSplitter({ format: "auto", maxFrameBytes: MAX_FRAME_BYTES, resyncs, onNote });
}

function placesOf(bytes: Uint8Array, pattern: Uint8Array): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(pattern[0]!); at >= 0; at = bytes.indexOf(pattern[0]!, at + 1)) {
    if (pattern.every((byte, index) => bytes[at + index] === byte)) places.push(at);
  }
  return places;
}

/** The file as a program writes it that cannot go back: no cluster has a size. */
function withoutSizes(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const bytes = file.slice();
  const unknown = Uint8Array.of(1, 255, 255, 255, 255, 255, 255, 255);
  for (const at of placesOf(bytes, CLUSTER)) bytes.set(unknown, at + CLUSTER.length);
  return bytes;
}

const INPUTS: readonly (readonly [name: string, bytes: Uint8Array<ArrayBuffer>])[] = [
  ["Matroska", fileOf("x.mkv", SHOTS)],
  [
    "Matroska of which no cluster has a size",
    withoutSizes(fileOf("x.mkv", SHOTS, { whole: false })),
  ],
  ["MP4 in fragments", fileOf("x.mp4", SHOTS)],
  [
    "MP4 with its list of frames in front",
    movieOf({ runs: [plainShots(60, [10, 8])], isMovieFirst: true, startMs: 40 }),
  ],
  ["MPEG-TS", concat(...packetsOf(SHOTS))],
  ["MPEG-TS with lengths", concat(...packetsOf(SHOTS, { said: (bytes) => bytes }))],
];

/** What is compared of a frame. */
function told({ data, kind, ptsUs, leading = false, catchUp = false }: SplitFrame) {
  return { data: Uint8Array.from(data), kind, ptsUs, leading, catchUp };
}

for (const [name, bytes] of INPUTS) {
  Deno.test(`An input of ${name} has the frames that a file has, however it is cut`, async () => {
    const { frames: wanted, error } = await readBytes(bytes);
    assertEquals([error, wanted.length], [undefined, SHOTS.length]);
    const offsets = fc.array(fc.nat({ max: bytes.length }), { maxLength: 40 });
    fc.assert(
      fc.property(offsets, (offsets) => {
        const splitter = create(false);
        const { frames, error } = split(splitter, cutAt(bytes, offsets));
        assertEquals(error, undefined);
        assertEquals(frames.map(told), wanted.map(told));
        assertEquals(splitter.damaged ?? 0, 0);
      }),
      { seed: 15, numRuns: 50 },
    );
    const single = split(create(), Array.from(bytes, (byte) => Uint8Array.of(byte)));
    assertEquals(single.frames.map(told), wanted.map(told));
    const [first] = single.frames;
    assertEquals(
      [first?.config.format, first?.config.width, first?.config.height],
      ["h264", 160, 128],
    );
    assertMatch(first?.config.codec ?? "", /^avc1\.42c01e$/i);
  });

  Deno.test(`${MUTANTS} spoiled inputs of ${name} never throw, and are the same however they are cut`, () => {
    const edit = fc.record({
      at: fc.nat({ max: bytes.length - 1 }),
      insert: fc.array(fc.nat({ max: 255 }), { maxLength: 20 }),
      remove: fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 600 })),
    });
    const edits = fc.array(edit, { minLength: 1, maxLength: 3 });
    const offsets = fc.array(fc.nat({ max: bytes.length }), { maxLength: 5 });
    let found = 0;
    fc.assert(
      fc.property(edits, offsets, (edits, offsets) => {
        let spoiled: Uint8Array = bytes;
        for (const { at, insert, remove } of edits) {
          const tail = spoiled.subarray(Math.min(spoiled.length, at + remove));
          spoiled = concat(spoiled.subarray(0, at), Uint8Array.from(insert), tail);
        }
        const [one, other] = [create(), create()];
        const whole = split(one, [spoiled]);
        const parts = split(other, cutAt(spoiled, offsets.filter((at) => at <= spoiled.length)));
        assertEquals(parts.frames.map(told), whole.frames.map(told));
        assertEquals(parts.error?.message, whole.error?.message);
        assertEquals(other.damaged, one.damaged);
        found += whole.frames.length;
      }),
      { seed: 15, numRuns: MUTANTS },
    );
    // Behind bytes that are missing, a list in front of all of them says nothing any more.
    const least = name.includes("list") ? 5 : 3;
    assert(found > MUTANTS * SHOTS.length / least, `${found} frames of ${MUTANTS * SHOTS.length}`);
  });

  Deno.test(`${name} that ends within a frame gives those before it, and says so`, () => {
    const splitter = create();
    const { frames, error } = split(splitter, [bytes.subarray(0, bytes.length / 2)]);
    assertEquals(error, undefined);
    assert(frames.length > 20 && frames.length < 40, `${frames.length} frames`);
    // Packets have no end that could be missing.
    if (!name.startsWith("MPEG-TS")) assertEquals(splitter.fault?.isCutOff, true);
  });
}

const [MATROSKA, OPEN_MATROSKA, MOVIE] = INPUTS.map(([, bytes]) => bytes) as [
  Uint8Array<ArrayBuffer>,
  Uint8Array<ArrayBuffer>,
  Uint8Array<ArrayBuffer>,
];
const PACKETS = concat(...packetsOf(SHOTS));

for (const [name, bytes] of INPUTS.slice(0, 3)) {
  const isMovie = bytes === MOVIE;
  const places = placesOf(bytes, isMovie ? FRAGMENT : CLUSTER).map((at) => isMovie ? at - 4 : at);

  Deno.test(`${name} goes on behind garbage between its parts with all frames, and counts it once`, () => {
    const at = places[1]!;
    const spoiled = concat(bytes.subarray(0, at), ramp(500, 7), bytes.subarray(at));
    const splitter = create();
    const { frames, error } = split(splitter, [spoiled]);
    assertEquals([error, frames.length, splitter.damaged], [undefined, SHOTS.length, 1]);
    assertEquals(splitter.fault?.offset, at);
    const strict = split(create(false), [spoiled]);
    assertEquals(strict.error?.fault.offset, at);
  });

  Deno.test(`${name} of which bytes are missing goes on at the next part`, () => {
    const [from, next] = [places[1]!, places[2]!];
    const middle = Math.floor((from + next) / 2);
    const spoiled = concat(bytes.subarray(0, middle), bytes.subarray(middle + 60));
    const splitter = create();
    const { frames } = split(splitter, [spoiled]);
    const whole = split(create(), [bytes]).frames;
    assert(splitter.damaged! > 0);
    // All behind the part that is damaged are there.
    const tail = split(create(), [concat(bytes.subarray(0, places[0]), bytes.subarray(next))]);
    const count = tail.frames.length;
    assert(count > 5, `${count} frames`);
    assertEquals(frames.slice(-count).map(told), whole.slice(-count).map(told));
  });
}

for (const [name, bytes] of INPUTS.slice(0, 4)) {
  Deno.test(`${name} that is written anew goes on with growing times and the same configuration`, () => {
    const { frames, error } = split(create(), [bytes, bytes]);
    assertEquals([error, frames.length], [undefined, 2 * SHOTS.length]);
    const times = frames.map(({ ptsUs }) => ptsUs!).sort((one, other) => one - other);
    assertEquals(new Set(times).size, frames.length);
    assert(frames.slice(SHOTS.length).every(({ ptsUs }) => ptsUs! > times[SHOTS.length - 1]!));
    assertEquals(new Set(frames.map(({ config }) => config)).size, 1);
  });
}

Deno.test("A frame over the limit is left out and counted, and the next one is given", () => {
  for (const name of ["x.mkv", "x.mp4"]) {
    const large = h264Shots(20).map((shot, index) =>
      index === 7 ? h264Shots(8, MAX_FRAME_BYTES)[7]! : shot
    );
    const splitter = create();
    const { frames } = split(splitter, [fileOf(name, large)]);
    assertEquals([frames.length, splitter.damaged], [19, 1]);
    assertEquals(splitter.fault?.isTooLarge, true);
  }
});

Deno.test("What nothing can be read of ends with a sentence at once, lenient or strict", () => {
  const media = box("mdat", new Uint8Array(100));
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [MATROSKA.subarray(placesOf(MATROSKA, CLUSTER)[1]), /the list of tracks .*start the program/],
    [MOVIE.subarray(placesOf(MOVIE, FRAGMENT)[1]! - 4), /\(moov\) in front of its fragments/],
    [
      concat(box("ftyp", bytesOf("isom\0\0\0\0")), media),
      /at its end; give the file .*frag_keyframe/,
    ],
    [
      movieOf({ runs: [plainShots(4, [1, 2])] }),
      /give the file itself with --input, or let ffmpeg/,
    ],
    [
      concat(FILE_TYPE, Uint8Array.of(0, 0x20, 0, 0), bytesOf("moov")),
      /a list of frames of at most/,
    ],
    [
      movieOf({ runs: [SHOTS], entry: "encv", isMovieFirst: true }),
      /found encrypted ones; decrypt/,
    ],
    [
      movieOf({ runs: [SHOTS], entry: "apch", isMovieFirst: true }),
      /is coded as ProRes; let ffmpeg/,
    ],
    [concat(...packetsOf(SHOTS, { types: [0x02] })), /coded as MPEG-2; let ffmpeg convert it/],
    [concat(...packetsOf(SHOTS, { types: [0x0f] })), /found only audio/],
  ];
  for (const [bytes, sentence] of cases) {
    for (const resyncs of [true, false]) {
      const { frames, error } = split(create(resyncs), [bytes]);
      assertEquals(frames, []);
      assertMatch(error?.message ?? "", sentence);
      assertEquals(error?.fault.isFinal, true);
    }
  }
});

Deno.test("A fragment of more frames than can be is left out, whatever track they are of", () => {
  const end = placesOf(MOVIE, FRAGMENT)[0]! - 4;
  const header = box("tfhd", uint32(0), uint32(77));
  const runs = Array.from({ length: 1000 }, () => box("trun", uint32(0), uint32(400_000)));
  const fragment = box("moof", box("mfhd", new Uint8Array(8)), box("traf", header, ...runs));
  const splitter = create();
  const spoiled = concat(MOVIE.subarray(0, end), fragment, MOVIE.subarray(end));
  const { frames } = split(splitter, [spoiled]);
  assertMatch(splitter.fault?.found ?? "", /it has too many frames/);
  assertEquals([frames.length, splitter.damaged], [SHOTS.length, 1]);
});

Deno.test("Garbage without end behind a header is refused once no frame can come", () => {
  for (const [bytes, part] of [[OPEN_MATROSKA, CLUSTER], [MOVIE, FRAGMENT]] as const) {
    const splitter = create();
    splitter.push(bytes.subarray(0, placesOf(bytes, part)[0]! - 4));
    const garbage = ramp(65_536, 3);
    let pushed = 0;
    let error: unknown;
    while (error === undefined && pushed < 32 * 1024 * 1024) {
      splitter.push(garbage);
      pushed += garbage.length;
      try {
        splitter.next();
      } catch (thrown) {
        error = thrown;
      }
    }
    assert(error instanceof InputError, `${pushed} bytes`);
    assertMatch(error.message, /expected (?:an element of Matroska|a box of an MP4)/);
  }
});

Deno.test("A container holds little of an input that never goes on", () => {
  const limit = 4 * MAX_FRAME_BYTES;
  let state = 1;
  const noise = Uint8Array.from({ length: 65_536 }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state >> 16;
  });
  for (
    const [finder, bytes] of [
      [new MatroskaFinder({ maxFrameBytes: MAX_FRAME_BYTES, resyncs: true }), OPEN_MATROSKA],
      [new MovieFinder({ maxFrameBytes: MAX_FRAME_BYTES, resyncs: true }), MOVIE],
    ] as const
  ) {
    const splitter = new ResyncSplitter(finder);
    splitter.push(bytes);
    for (let count = 0; count < 200; count++) {
      splitter.push(noise);
      while (splitter.next() !== undefined);
      assert(finder.input.length <= limit, `${finder.input.length} bytes are held`);
    }
  }
});

Deno.test("MPEG-TS that begins within a GOP gives its frames from where it begins, and the times go on", () => {
  const half = PACKETS.subarray(188 * 30);
  const tables = PACKETS.subarray(0, 376);
  const splitter = create();
  const { frames, error } = split(splitter, [concat(half, tables, PACKETS)]);
  assertEquals(error, undefined);
  assertEquals(frames.slice(-SHOTS.length).map(({ data }) => data).length, SHOTS.length);
  assertEquals(frames.find(({ kind }) => kind === "key")?.kind, "key");
});
