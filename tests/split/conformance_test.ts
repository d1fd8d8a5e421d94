/** One suite that every splitter has to pass. */
// @ts-types="../../types/std_assert.d.ts"
import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import { HEADROOM_BYTES } from "../../src/bytes/headroom.ts";
import { bytesOf, hex } from "../../src/bytes/text.ts";
import type { FrameKind } from "../../src/core/frame.ts";
import type { StreamFormat } from "../../src/core/stream_format.ts";
import { InputError } from "../../src/errors.ts";
import { createSplitter, type CreateSplitterOptions } from "../../src/split/create.ts";
import type { Splitter } from "../../src/split/splitter.ts";
import {
  ivfFrameStart,
  type IvfOptions,
  ivfStart,
  KEY_FRAME_OBU,
  sequenceObu,
  TEMPORAL_DELIMITER,
  vp8KeyFrame,
  vp9Frame,
} from "./ivf_samples.ts";
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
  short,
} from "./nal_samples.ts";
import { concat, cutAt, jpeg, jpegSegment, png, pngChunk, ramp, split, uint32 } from "./samples.ts";

/** A run of the input; `clean` says after which of its bytes the input may end. */
interface Piece {
  readonly bytes: Uint8Array;
  readonly isFrame: boolean;
  readonly clean: "never" | "at its end" | "anywhere";
}

interface Case {
  readonly name: string;
  readonly format: StreamFormat;
  readonly options: CreateSplitterOptions;
  readonly pieces: readonly Piece[];
  /** False where nothing tells garbage from a frame. */
  readonly seesGarbage: boolean;
  /** What the frames are, where not all are key frames. */
  readonly kinds?: readonly FrameKind[];
  /**
   * Bytes behind each frame but the last that show it to be whole, where its own do not: such an
   * input may end anywhere.
   */
  readonly lookahead?: readonly number[];
}

const MAX_FRAME_BYTES = 4096;

/** What is said of garbage where any bytes are the size of a frame. */
const GARBAGE_AS_SIZE: Partial<Record<StreamFormat, string>> = {
  lp32: "a frame of 2137481586",
  vp8: "a frame of 1918986111",
  vp9: "a frame of 1918986111",
  av1: "a frame of 1918986111",
};

function frame(bytes: Uint8Array): Piece {
  return { bytes, isFrame: true, clean: "at its end" };
}

function glue(bytes: Uint8Array | string, clean: Piece["clean"] = "never"): Piece {
  const content = typeof bytes === "string" ? bytesOf(bytes) : bytes;
  return { bytes: content, isFrame: false, clean };
}

const IMAGES = [
  jpeg(),
  jpeg({ before: jpegSegment(0xe1, concat(bytesOf("Exif\0\0"), jpeg())) }),
  jpeg({ scan: Uint8Array.of(7) }),
];

const PNGS = [
  png(),
  png({ chunks: concat(pngChunk("IDAT", ramp(40)), pngChunk("tEXt", ramp(3))) }),
];

function y4mFrame(line: string, first: number): Piece {
  return frame(concat(bytesOf(line), ramp(6 * 4 + 2 * 3 * 2, first)));
}

const Y4M_PIECES = [
  glue("YUV4MPEG2 W6 H4 F25:1 Ip A1:1 C420jpeg\n"),
  y4mFrame("FRAME\n", 0),
  y4mFrame("FRAME Ib\n", 70),
  y4mFrame("FRAME\n", 10),
];

function part(image: Uint8Array, headers: string): Piece[] {
  return [
    glue("--x", "at its end"),
    glue("\r\n", "anywhere"),
    glue(`${headers}\r\n`),
    frame(image),
    glue("\r\n", "anywhere"),
  ];
}

const CLOSING = [glue("--x", "at its end"), glue("--", "at its end"), glue("\r\n", "anywhere")];

function ivfPieces(options: IvfOptions, ...frames: readonly Uint8Array[]): Piece[] {
  const pieces = frames.flatMap((data, index) => [
    glue(ivfFrameStart(data.length, index)),
    frame(data),
  ]);
  return [glue(ivfStart(options)), ...pieces];
}

const VP8_PIECES = ivfPieces({}, vp8KeyFrame(), concat(vp8KeyFrame(), ramp(40)), vp8KeyFrame());
const VP9_PIECES = ivfPieces({ fourcc: "VP90" }, vp9Frame(), concat(vp9Frame(), ramp(7)));
const AV1_UNIT = concat(TEMPORAL_DELIMITER, sequenceObu(), KEY_FRAME_OBU);
const AV1_PIECES = ivfPieces({ fourcc: "AV01", headerBytes: 40 }, AV1_UNIT, AV1_UNIT, AV1_UNIT);

const H264_FRAMES = [
  concat(h264Sps(), h264Pps(), idr(), idr({ first: 40 })),
  short(h264Slice({ frameNum: 1 })),
  concat(
    H264_DELIMITER,
    short(h264Slice({ frameNum: 2, payload: ramp(60, 4) })),
    ...[20, 40].map((first) => short(h264Slice({ frameNum: 2, first }))),
  ),
  concat(h264Sei([5, ramp(20)]), h264Slice({ frameNum: 3 }), H264_FILLER, new Uint8Array(3)),
  concat(h264Sps(), short(h264Pps()), short(idr())),
];

const H264: Pick<Case, "pieces" | "kinds" | "lookahead"> = {
  pieces: H264_FRAMES.map(frame),
  kinds: ["key", "delta", "delta", "delta", "key"],
  // A start code and the header behind it, with the first byte of a slice.
  lookahead: [5, 5, 5, 5],
};

const HEVC_FRAMES = [
  concat(
    ...[hevcVps(), hevcSps(), hevcPps()],
    hevcSlice({ type: 19 }),
    hevcSlice({ type: 19, isFirst: false }),
  ),
  short(hevcSlice()),
  concat(
    ...[HEVC_DELIMITER, hevcSlice({ payload: ramp(60, 4) }), short(hevcSlice({ isFirst: false }))],
    ...[HEVC_SUFFIX_SEI, new Uint8Array(3)],
  ),
  concat(HEVC_PREFIX_SEI, hevcSlice({ type: 0 })),
  concat(...[hevcVps(), hevcSps(), hevcPps(), hevcSlice({ type: 20 })].map(short)),
];

const HEVC: Pick<Case, "pieces" | "kinds" | "lookahead"> = {
  pieces: HEVC_FRAMES.map(frame),
  kinds: ["key", "delta", "delta", "delta", "key"],
  lookahead: [6, 6, 6, 5],
};

const CASES: readonly Case[] = [
  {
    name: "RawSplitter",
    format: "raw",
    options: { format: "raw", frameBytes: 30, maxFrameBytes: MAX_FRAME_BYTES },
    pieces: [ramp(30), ramp(30, 50), ramp(30, 100)].map(frame),
    seesGarbage: false,
  },
  {
    name: "MjpegSplitter",
    format: "mjpeg",
    options: { format: "mjpeg", maxFrameBytes: MAX_FRAME_BYTES },
    pieces: IMAGES.map(frame),
    seesGarbage: true,
  },
  {
    name: "MpjpegSplitter with Content-length",
    format: "mjpeg",
    options: { format: "mpjpeg", maxFrameBytes: MAX_FRAME_BYTES },
    pieces: [
      ...IMAGES.flatMap((image) =>
        part(image, `Content-type: image/jpeg\r\nContent-length: ${image.length}\r\n`)
      ),
      ...CLOSING,
    ],
    seesGarbage: true,
  },
  {
    name: "MpjpegSplitter without Content-length",
    format: "mjpeg",
    options: { format: "mpjpeg", maxFrameBytes: MAX_FRAME_BYTES },
    pieces: [...IMAGES.flatMap((image) => part(image, "X-Camera: 1\r\n")), ...CLOSING],
    seesGarbage: true,
  },
  {
    name: "PngSplitter",
    format: "png",
    options: { format: "png", maxFrameBytes: MAX_FRAME_BYTES },
    pieces: PNGS.map(frame),
    seesGarbage: true,
  },
  {
    name: "Y4mSplitter",
    format: "y4m",
    options: { format: "y4m", maxFrameBytes: MAX_FRAME_BYTES },
    pieces: Y4M_PIECES,
    seesGarbage: true,
  },
  {
    name: "Lp32Splitter",
    format: "lp32",
    options: { format: "lp32", maxFrameBytes: MAX_FRAME_BYTES },
    pieces: [ramp(1), ramp(20), ramp(20, 9)].flatMap((
      data,
    ) => [glue(uint32(data.length)), frame(data)]),
    seesGarbage: true,
  },
  {
    name: "IvfSplitter for VP8",
    format: "vp8",
    options: { format: "ivf", maxFrameBytes: MAX_FRAME_BYTES },
    pieces: VP8_PIECES,
    seesGarbage: true,
  },
  {
    name: "IvfSplitter for VP9",
    format: "vp9",
    options: { format: "ivf", maxFrameBytes: MAX_FRAME_BYTES },
    pieces: VP9_PIECES,
    seesGarbage: true,
  },
  {
    name: "IvfSplitter for AV1",
    format: "av1",
    options: { format: "ivf", maxFrameBytes: MAX_FRAME_BYTES },
    pieces: AV1_PIECES,
    seesGarbage: true,
  },
  {
    name: "createSplitter for any IVF",
    format: "av1",
    options: { format: "auto", maxFrameBytes: MAX_FRAME_BYTES },
    pieces: AV1_PIECES,
    seesGarbage: true,
  },
  {
    name: "H264Splitter",
    format: "h264",
    options: { format: "h264", maxFrameBytes: MAX_FRAME_BYTES },
    seesGarbage: false,
    ...H264,
  },
  {
    name: "HevcSplitter",
    format: "hevc",
    options: { format: "hevc", maxFrameBytes: MAX_FRAME_BYTES },
    seesGarbage: false,
    ...HEVC,
  },
  {
    name: "createSplitter for any JPEG",
    format: "mjpeg",
    options: { format: "auto", maxFrameBytes: MAX_FRAME_BYTES },
    pieces: IMAGES.map(frame),
    seesGarbage: true,
  },
  {
    name: "createSplitter for any Y4M",
    format: "y4m",
    options: { format: "auto", maxFrameBytes: MAX_FRAME_BYTES },
    pieces: Y4M_PIECES,
    seesGarbage: true,
  },
  {
    name: "createSplitter for any H.264",
    format: "h264",
    options: { format: "auto", maxFrameBytes: MAX_FRAME_BYTES },
    seesGarbage: false,
    ...H264,
  },
  {
    name: "createSplitter for any H.265",
    format: "hevc",
    options: { format: "auto", maxFrameBytes: MAX_FRAME_BYTES },
    seesGarbage: false,
    ...HEVC,
  },
];

for (const { name, format, options, pieces, seesGarbage, kinds, lookahead } of CASES) {
  const input = concat(...pieces.map(({ bytes }) => bytes));
  const frames = pieces.filter(({ isFrame }) => isFrame).map(({ bytes }) => bytes);
  const frameEnds: number[] = [];
  const cleanEnds = new Set<number>();
  let end = 0;
  for (const { bytes, isFrame, clean } of pieces) {
    for (let count = 1; count <= bytes.length; count++) {
      const isClean = clean === "anywhere" || (clean === "at its end" && count === bytes.length);
      if (isClean && frameEnds.length + (isFrame ? 1 : 0) > 0) cleanEnds.add(end + count);
    }
    end += bytes.length;
    if (isFrame) frameEnds.push(end);
  }
  const dataOf = (chunks: Iterable<Uint8Array>): Uint8Array[] => {
    const { frames, error } = split(create(), chunks);
    if (error !== undefined) throw error;
    return frames.map(({ data }) => data);
  };
  const create = (maxFrameBytes = MAX_FRAME_BYTES): Splitter =>
    createSplitter({ ...options, maxFrameBytes });

  Deno.test(`${name} finds every frame of an input in one chunk`, () => {
    assertEquals(dataOf([input]), frames);
  });

  Deno.test(`${name} finds the same frames byte by byte`, () => {
    assertEquals(dataOf(cutAt(input, [...input.keys()])), frames);
  });

  Deno.test(`${name} finds the same frames with every cut in two`, () => {
    for (let cut = 0; cut <= input.length; cut++) {
      assertEquals(dataOf(cutAt(input, [cut])), frames);
    }
  });

  Deno.test(`${name} finds the same frames with cuts anywhere`, () => {
    const cuts = fc.array(fc.nat({ max: input.length }), { maxLength: 12 });
    fc.assert(
      fc.property(cuts, (offsets) => assertEquals(dataOf(cutAt(input, offsets)), frames)),
      { seed: 33, numRuns: 200 },
    );
  });

  Deno.test(`${name} finds the same frames when the input ends before it is asked`, () => {
    const splitter = create();
    splitter.push(input);
    splitter.end();
    for (const expected of frames) assertEquals(splitter.next()?.data, expected);
    assertEquals(splitter.next(), undefined);
    assertEquals(splitter.next(), undefined);

    const unfinished = create();
    unfinished.push(input.subarray(0, lookahead === undefined ? frameEnds[0]! - 1 : 8));
    unfinished.end();
    assertThrows(() => unfinished.next(), InputError, "the end of the input");
  });

  Deno.test(`${name} gives a frame as soon as it can be known to be whole`, () => {
    const splitter = create();
    let pushed = 0;
    const knownAt = frameEnds.map((frameEnd, index) => frameEnd + (lookahead?.[index] ?? 0));
    knownAt.forEach((known, index) => {
      const isEnd = lookahead !== undefined && index === knownAt.length - 1;
      splitter.push(input.subarray(pushed, isEnd ? known : known - 1));
      assertEquals(splitter.next(), undefined);
      if (isEnd) splitter.end();
      else splitter.push(input.subarray(known - 1, known));
      assertEquals(splitter.next()?.data, frames[index]);
      pushed = known;
    });
  });

  Deno.test(`${name} gives key and delta frames of one configuration, with headroom`, () => {
    const found = split(create(), [input]).frames;
    assertEquals(found.map(({ kind }) => kind), kinds ?? found.map(() => "key"));
    for (const { data, config } of found) {
      assertEquals(config.format, format);
      assertStrictEquals(config, found[0]!.config);
      assert(data.byteOffset >= HEADROOM_BYTES);
    }
  });

  if (lookahead !== undefined) {
    Deno.test(`${name} gives what there is of an input cut short`, () => {
      for (let cut = 1; cut < input.length; cut++) {
        const { frames: found, error } = split(create(), [input.subarray(0, cut)]);
        const whole = frameEnds.filter((frameEnd) => frameEnd <= cut).length;
        // Zeros that could begin a start code go to the last frame, where nothing follows them.
        const sure = Math.max(0, whole - 1);
        assertEquals(found.slice(0, sure).map(({ data }) => data), frames.slice(0, sure));
        const all = concat(...found.map(({ data }) => data));
        assertEquals(all, input.subarray(0, all.length));
        assert(all.length >= (frameEnds[whole - 1] ?? 0) && found.length <= whole + 1);
        assertEquals(error !== undefined, found.length === 0, `cut at ${cut}`);
      }
    });
  } else {
    Deno.test(`${name} refuses an input cut short, behind its last whole frame`, () => {
      for (let cut = 1; cut < input.length; cut++) {
        const { frames: found, error } = split(create(), [input.subarray(0, cut)]);
        const whole = frameEnds.filter((frameEnd) => frameEnd <= cut).length;
        assertEquals(found.map(({ data }) => data), frames.slice(0, whole), `cut at ${cut}`);
        assertEquals(error === undefined, cleanEnds.has(cut), `cut at ${cut}: ${error?.message}`);
        if (error === undefined) continue;
        assertEquals(error.fault.frame, whole + 1);
        assert(error.fault.offset <= cut);
      }
    });
  }

  Deno.test(`${name} refuses an empty input`, () => {
    const { frames: found, error } = split(create(), []);
    assertEquals(found, []);
    assertEquals([error?.fault.frame, error?.fault.offset], [1, 0]);
  });

  Deno.test(`${name} says undefined for no bytes, and the same error again`, () => {
    const splitter = create();
    assertEquals(splitter.next(), undefined);
    splitter.end();
    const messages = [1, 2].map(() => {
      try {
        return splitter.next();
      } catch (error) {
        assert(error instanceof InputError);
        return error.message;
      }
    });
    assert(messages[0] !== undefined);
    assertEquals(messages[0], messages[1]);
  });

  Deno.test(`${name} accepts a frame at the limit and refuses it one byte past`, () => {
    const largest = Math.max(...frames.map(({ length }) => length));
    const first = frames.findIndex(({ length }) => length === largest);
    for (const chunks of [[input], cutAt(input, [...input.keys()])]) {
      const atLimit = split(create(largest), chunks);
      assertEquals(atLimit.error, undefined);
      assertEquals(atLimit.frames.length, frames.length);
      const past = split(create(largest - 1), chunks);
      assertStringIncludes(past.error?.message ?? "", `at most ${largest - 1} bytes (--max-frame)`);
      // A format that tells the size of all frames at once is refused at once.
      assertEquals(past.frames.length, first);
      assertEquals(past.error?.fault.frame, first + 1);
    }
  });

  if (seesGarbage) {
    Deno.test(`${name} names garbage in front of the first frame`, () => {
      const garbage = bytesOf("\x7fgarbage\n");
      for (const chunks of [[garbage, input], cutAt(concat(garbage, input), [1, 2, 5])]) {
        const { frames: found, error } = split(create(), chunks);
        assertEquals(found, []);
        assertEquals([error?.fault.frame, error?.fault.offset], [1, 0]);
      }
    });

    Deno.test(`${name} names garbage between frames, with its offset`, () => {
      const garbage = bytesOf("\x7fgarbage\n");
      const at = frameEnds[0]!;
      const spoiled = concat(input.subarray(0, at), garbage, input.subarray(at));
      const { frames: found, error } = split(create(), [spoiled]);
      assertEquals(found.map(({ data }) => data), frames.slice(0, 1));
      assertEquals([error?.fault.frame, error?.fault.offset], [2, at]);
      assertStringIncludes(error!.fault.found, GARBAGE_AS_SIZE[format] ?? hex(garbage, 4));
    });
  }

  Deno.test(`${name} makes only frames or an InputError of spoiled bytes, however cut`, () => {
    const edit = fc.record({
      at: fc.nat({ max: input.length - 1 }),
      insert: fc.array(fc.oneof(fc.nat({ max: 255 }), fc.constant(0xff)), { maxLength: 4 }),
      remove: fc.nat({ max: 3 }),
    });
    const edits = fc.array(edit, { minLength: 1, maxLength: 4 });
    const offsets = fc.array(fc.nat({ max: input.length }), { maxLength: 6 });
    fc.assert(
      fc.property(edits, offsets, (edits, offsets) => {
        let spoiled: Uint8Array = input;
        for (const { at, insert, remove } of edits) {
          spoiled = concat(
            spoiled.subarray(0, at),
            Uint8Array.from(insert),
            spoiled.subarray(at + remove),
          );
        }
        const whole = split(create(300), [spoiled]);
        const cuts = offsets.filter((offset) => offset <= spoiled.length);
        const pieces = split(create(300), cutAt(spoiled, cuts));
        assertEquals(pieces.frames, whole.frames);
        assertEquals(pieces.error?.fault.frame, whole.error?.fault.frame);
        for (const { data } of whole.frames) assert(data.length <= 300);
      }),
      { seed: 34, numRuns: 1000 },
    );
  });

  Deno.test(`${name} makes only frames or an InputError of any bytes`, () => {
    const start = pieces[0]!.bytes;
    fc.assert(
      fc.property(fc.boolean(), fc.uint8Array({ maxLength: 200 }), (withStart, bytes) => {
        split(create(300), withStart ? [start, bytes] : [bytes]);
      }),
      { seed: 35, numRuns: 200 },
    );
  });
}
