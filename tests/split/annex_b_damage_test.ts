/** Byte streams with bits turned, cuts, and NAL units that are lost or come twice. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { InputError } from "../../src/errors.ts";
import { createSplitter } from "../../src/split/create.ts";
import { nalUnits } from "../../src/split/nal.ts";
import type { SplitFrame, Splitter } from "../../src/split/splitter.ts";
import {
  H264_DELIMITER,
  H264_FILLER,
  h264Pps,
  h264Sei,
  h264Slice,
  h264Sps,
  HEVC_DELIMITER,
  HEVC_PREFIX_SEI,
  HEVC_SUFFIX_SEI,
  hevcPps,
  hevcSlice,
  hevcSps,
  hevcVps,
  idr,
  recoveryPoint,
} from "./nal_samples.ts";
import { cases } from "../thorough.ts";
import { concat, cutAt, ramp } from "./samples.ts";

const MAX_FRAME_BYTES = 700;
/** How many inputs with damage at random each stream is tried with. */
const INPUTS = cases(5000);

const STREAMS = {
  h264: [
    ...[h264Sps({ timing: [1, 50], crop: [0, 0, 0, 2] }), h264Pps(), idr(), idr({ first: 40 })],
    ...[h264Slice({ frameNum: 1, order: 2 }), H264_DELIMITER, h264Slice({ frameNum: 2 })],
    ...[
      h264Sei([5, ramp(30)]),
      recoveryPoint(),
      h264Slice({ sliceType: 7, order: 8, frameNum: 3 }),
    ],
    ...[h264Slice({ sliceType: 1, reference: 0, order: 6, frameNum: 4 }), H264_FILLER],
    ...[h264Sps({ profile: [100, 0, 30], chroma: 1, scalingLists: Array(8).fill([9, -17]) })],
    ...[h264Pps({ id: 3 }), H264_DELIMITER, idr({ pps: 3 }), h264Slice({ pps: 3, frameNum: 1 })],
  ],
  hevc: [
    ...[hevcVps({ timing: [1, 25] }), hevcSps({ timing: [1, 25], isElaborate: true }), hevcPps()],
    ...[hevcSlice({ type: 19 }), hevcSlice({ type: 19, isFirst: false }), HEVC_SUFFIX_SEI],
    ...[hevcSlice(), HEVC_DELIMITER, HEVC_PREFIX_SEI, hevcSlice({ type: 21 })],
    ...[hevcSlice({ type: 8 }), hevcSlice({ type: 9 }), hevcSlice()],
    ...[hevcSps({ id: 1, subLayers: 3, isElaborate: true }), hevcPps({ id: 1, sps: 1 })],
    ...[hevcSlice({ type: 16, pps: 1 }), hevcSlice({ pps: 1 })],
  ],
};

/** What happens to a stream: `at` and `to` are parts of its length. */
interface Damage {
  readonly what: "bit" | "cut" | "lose" | "repeat" | "zero" | "code";
  readonly at: number;
  readonly to: number;
}

function damaged(stream: Uint8Array, { what, at, to }: Damage): Uint8Array {
  const offset = Math.floor(at * stream.length);
  const units = nalUnits(stream);
  const unit = units[Math.floor(at * units.length)] ?? { start: 0, end: stream.length };
  switch (what) {
    case "bit": {
      const turned = stream.slice();
      turned[offset] = (turned[offset] ?? 0) ^ (1 << Math.floor(to * 8));
      return turned;
    }
    case "cut":
      return concat(stream.subarray(0, offset), stream.subarray(offset + Math.floor(to * 20)));
    case "lose":
      return concat(stream.subarray(0, unit.start), stream.subarray(unit.end));
    case "repeat":
      return concat(stream.subarray(0, unit.end), stream.subarray(unit.start - 3));
    case "zero":
    case "code": {
      const bytes = what === "zero" ? new Uint8Array(Math.floor(to * 8)) : Uint8Array.of(0, 0, 1);
      return concat(stream.subarray(0, offset), bytes, stream.subarray(offset));
    }
  }
}

interface Outcome {
  readonly frames: readonly SplitFrame[];
  readonly left: number;
  readonly error: InputError | undefined;
}

/** Splits an input, with a pause behind every chunk if `isIdle`. */
function splitAll(splitter: Splitter, chunks: Uint8Array[], isIdle: boolean): Outcome {
  const frames: SplitFrame[] = [];
  const drain = () => {
    for (let frame = splitter.next(); frame !== undefined; frame = splitter.next()) {
      frames.push(frame);
    }
  };
  let error: InputError | undefined;
  try {
    for (const chunk of chunks) {
      splitter.push(chunk);
      drain();
      if (isIdle) splitter.idle?.();
      drain();
    }
    splitter.end();
    drain();
  } catch (thrown) {
    if (!(thrown instanceof InputError)) throw thrown;
    error = thrown;
  }
  return { frames, left: splitter.damaged ?? 0, error };
}

/** The frames' data stands in `input` in order, and is all of it where nothing was left out. */
function assertInOrder(input: Uint8Array, { frames, left, error }: Outcome): void {
  let at = 0;
  let areAllFound = true;
  for (const { data, kind } of frames) {
    const found = indexOf(input, data, at);
    if (found >= 0) at = found + data.length;
    else areAllFound = false;
    // Only a key frame may hold what came before, its parameter sets.
    assert(found >= 0 || kind === "key", "a frame is no part of the input");
  }
  if (!areAllFound || left > 0 || error !== undefined) return;
  const all = concat(...frames.map(({ data }) => data));
  // Zeros in front of the first frame, and behind one that was given when idle, are nobody's.
  const front = indexOf(input, all, 0);
  assert(front >= 0, "a byte is missing");
  const others = concat(input.subarray(0, front), input.subarray(front + all.length));
  assert(others.every((byte) => byte === 0), "a byte is left out, and no damage");
}

function indexOf(bytes: Uint8Array, part: Uint8Array, from: number): number {
  for (let at = from; at + part.length <= bytes.length; at++) {
    if (part.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}

const DAMAGE: fc.Arbitrary<Damage> = fc.record({
  what: fc.constantFrom<Damage["what"][]>("bit", "cut", "lose", "repeat", "zero", "code"),
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  to: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
});

for (const [name, seed] of [["h264", 44], ["hevc", 45]] as const) {
  Deno.test(`createSplitter makes frames of ${INPUTS} damaged ${name} streams, the same however cut`, () => {
    const stream: Uint8Array = concat(...STREAMS[name]);
    const create = () => createSplitter({ format: name, maxFrameBytes: MAX_FRAME_BYTES });
    const counts = { frames: 0, keys: 0, errors: 0, left: 0 };
    const damages = fc.array(DAMAGE, { minLength: 1, maxLength: 6 });
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 });
    fc.assert(
      fc.property(damages, cuts, (damages, cuts) => {
        const input = damages.reduce(damaged, stream);
        const chunks = cutAt(input, cuts.map((cut) => Math.floor(cut * input.length)));
        const whole = splitAll(create(), [input], false);
        const pieces = splitAll(create(), chunks, false);
        assertEquals(pieces.frames, whole.frames);
        assertEquals([pieces.left, pieces.error?.fault.frame], [
          whole.left,
          whole.error?.fault.frame,
        ]);
        const paused = splitAll(create(), chunks, true);
        for (const outcome of [whole, paused]) {
          for (const { data } of outcome.frames) assert(data.length <= MAX_FRAME_BYTES);
          assertInOrder(input, outcome);
        }
        counts.frames += whole.frames.length;
        counts.keys += whole.frames.filter(({ kind }) => kind === "key").length;
        counts.left += whole.left;
        if (whole.error !== undefined) counts.errors++;
      }),
      { seed, numRuns: INPUTS },
    );
    // Damage leaves most of a stream as it was.
    const { frames, keys, left, errors } = counts;
    assert(frames > INPUTS * 4 && keys > INPUTS, JSON.stringify(counts));
    assert(left > INPUTS / 50 && errors < INPUTS / 10, JSON.stringify(counts));
  });
}
