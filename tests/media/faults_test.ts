/** Every container with every fault: what is whole is given, what is not is counted or said. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { bytesOf } from "../../src/bytes/text.ts";
import { bareConfig } from "../../src/core/frame.ts";
import { StreamError } from "../../src/errors.ts";
import { H264_DELIMITER } from "../split/nal_samples.ts";
import { concat, ramp, uint16 } from "../split/samples.ts";
import { fileOf, readBytes, type Shot } from "./files.ts";
import { box, FILE_TYPE, movieOf, plainShots } from "./movies.ts";
import { PACKET_BYTES, packetsOf } from "./transport.ts";

/** A container: a file of these shots, and where in it something else may come to stand. */
interface Container {
  readonly name: string;
  readonly shots: (size: 1 | 2) => Shot[];
  readonly fileOf: (shots: readonly Shot[]) => Uint8Array<ArrayBuffer>;
  readonly seam: (file: Uint8Array) => number;
  /** What each frame has in front of what was written. */
  readonly before?: Uint8Array;
  /** Whether a file that is cut off is said to be so. */
  readonly tellsEnd: boolean;
}

const COUNT = 50;
const CLUSTER = Uint8Array.of(0x1f, 0x43, 0xb6, 0x75);
const VP8 = bareConfig("vp8", { codec: "vp8", width: 160, height: 128 });

function h264(size: 1 | 2): Shot[] {
  return plainShots(COUNT, size === 1 ? [10, 8] : [20, 15]);
}

/** VP8 by its headers, RFC 6386 9.1. */
function vp8(size: 1 | 2): Shot[] {
  return h264(size).map(({ kind, timeUs }, index) => {
    const sides = [160 * size, 128 * size].map((side) => uint16(side).reverse());
    const header = kind === "key"
      ? concat(Uint8Array.of(0x10, 0, 0, 0x9d, 0x01, 0x2a), ...sides)
      : Uint8Array.of(0x11, 0, 0);
    return { data: concat(header, ramp(100, index)), kind, timeUs, config: VP8 };
  });
}

/** Where the last of these bytes begin. */
function last(file: Uint8Array, wanted: Uint8Array): number {
  const at = file.findLastIndex((_, at) =>
    wanted.every((byte, index) => file[at + index] === byte)
  );
  assert(at > 0);
  return at;
}

/** A recording as its writer has it, which looks at the first configuration only. */
function recordingOf(name: string) {
  return (shots: readonly Shot[]) =>
    fileOf(name, shots.map((shot) => ({ ...shot, config: shots[0]!.config })));
}

const CONTAINERS: readonly Container[] = [
  {
    name: "MP4",
    shots: h264,
    fileOf: (shots) => movieOf({ runs: [shots] }),
    seam: (file) => last(file, bytesOf("moov")) - 4,
    tellsEnd: true,
  },
  {
    name: "MP4 in fragments",
    shots: h264,
    fileOf: recordingOf("x.mp4"),
    seam: (file) => last(file, bytesOf("moof")) - 4,
    tellsEnd: true,
  },
  {
    name: "MOV",
    shots: h264,
    fileOf: (shots) => movieOf({ runs: [shots], front: [box("wide"), box("free")] }),
    seam: (file) => last(file, bytesOf("moov")) - 4,
    tellsEnd: true,
  },
  {
    name: "MKV",
    shots: h264,
    fileOf: recordingOf("x.mkv"),
    seam: (file) => last(file, CLUSTER),
    tellsEnd: true,
  },
  {
    name: "WebM",
    shots: vp8,
    fileOf: recordingOf("x.webm"),
    seam: (file) => last(file, CLUSTER),
    tellsEnd: true,
  },
  {
    name: "MPEG-TS",
    shots: h264,
    fileOf: (shots) => concat(...packetsOf(shots)),
    seam: (file) => Math.floor(file.length / 188 / 2) * 188,
    before: H264_DELIMITER,
    tellsEnd: false,
  },
];

for (const { name, shots, fileOf, seam, before = new Uint8Array(0), tellsEnd } of CONTAINERS) {
  const assertFrames = (
    frames: readonly { readonly data: Uint8Array }[],
    wanted: readonly Shot[],
  ) => {
    assertEquals(frames.length, wanted.length);
    for (const [index, { data }] of frames.entries()) {
      assertEquals(data, concat(before, wanted[index]!.data), `frame ${index}`);
    }
  };

  Deno.test(`${name} with junk between its parts gives all frames, and counts it`, async () => {
    const file = fileOf(shots(1));
    const at = seam(file);
    for (const junk of [new Uint8Array(77), bytesOf("no part of the film\n".repeat(40))]) {
      // Where frames are is told from the start of an MP4; what stands behind them moves nothing.
      const seen = await readBytes(concat(file.subarray(0, at), junk, file.subarray(at)));
      assertEquals(seen.error, undefined);
      assertFrames(seen.frames, shots(1));
      assertEquals(seen.damaged, 1);
    }
  });

  Deno.test(`${name} that is cut off gives the whole frames before that`, async () => {
    const file = fileOf(shots(1));
    let most = 0;
    for (let size = Math.floor(file.length * 0.5); size < file.length - 700; size += 331) {
      const { frames, error, damaged, fault } = await readBytes(file.subarray(0, size));
      const whole = tellsEnd ? frames : frames.slice(0, -1);
      assertFrames(whole, shots(1).slice(0, whole.length));
      most = Math.max(most, whole.length);
      if (frames.length === 0) {
        assert(error instanceof StreamError);
        assertMatch(error.message, /^Cannot read .* was cut off before .*; copy it again$/);
        continue;
      }
      assertEquals(error, undefined);
      // A packet of MPEG-TS tells its own length only.
      assertEquals(damaged, tellsEnd || size % PACKET_BYTES > 0 ? 1 : 0);
      if (damaged > 0) assertMatch(fault!.why, /^the file was cut off before its end$/);
    }
    // The list of frames of an MP4 or MOV without fragments stands at its end.
    const hasList = name !== "MP4" && name !== "MOV";
    assert(hasList ? most > COUNT / 2 : most === 0, `${most} frames`);
  });

  Deno.test(`${name} with padding behind its end gives all frames`, async () => {
    for (const padding of [bytesOf("\n"), new Uint8Array(64), new Uint8Array(5000)]) {
      const seen = await readBytes(concat(fileOf(shots(1)), padding));
      assertEquals(seen.error, undefined);
      assertFrames(seen.frames, shots(1));
      assert(seen.notes.length + seen.damaged <= 1, "said or counted once at most");
    }
  });

  Deno.test(`${name} with pictures of another size has a configuration for each`, async () => {
    const both = [...shots(1), ...shots(2)].map((shot, index) => ({
      ...shot,
      timeUs: index * 40_000,
    }));
    const { frames, error } = await readBytes(fileOf(both));
    assertEquals(error, undefined);
    assertFrames(frames, both);
    const sizes = frames.map(({ config: { width, height } }) => `${width}x${height}`);
    assertEquals(new Set(sizes.slice(0, COUNT)).size, 1);
    assertEquals(new Set(sizes.slice(COUNT)).size, 1);
    assert(sizes[0] !== sizes.at(-1), sizes[0]);
    assertEquals(new Set(frames.map(({ config }) => config)).size, 2, "no more objects than sizes");
  });
}

Deno.test("A recording that was killed gives the whole frames that it has, also of its last part", async () => {
  const live = fileOf("x.mkv", h264(1), { whole: false });
  const cut = live.subarray(0, live.length - 50);
  const { frames, error, damaged } = await readBytes(cut);
  assertEquals(error, undefined);
  assertEquals(frames.length, COUNT - 1);
  assertEquals(damaged, 1);
});

Deno.test("A frame whose parts do not fit is left out of a film, and counted", async () => {
  const shots = h264(1);
  const file = movieOf({ runs: [shots], front: [FILE_TYPE] });
  const at = last(file, shots[21]!.data.subarray(4)) - 4;
  file.fill(0xff, at, at + 4);
  const { frames, error, damaged } = await readBytes(file);
  assertEquals(error, undefined);
  assertEquals([frames.length, damaged], [COUNT - 1, 1]);
});

Deno.test("A film of which no frame can be used is said to be damaged", async () => {
  const file = movieOf({ runs: [h264(1)], front: [FILE_TYPE] });
  const at = last(file, bytesOf("mdat")) + 4;
  file.fill(0xff, at, last(file, bytesOf("moov")) - 4);
  const { frames, error } = await readBytes(file);
  assertEquals(frames.length, 0);
  assert(error instanceof StreamError);
  assertMatch(error.message, /^Cannot read movie: every frame of its video is damaged \(/);
});
