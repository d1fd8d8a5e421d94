// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStrictEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { HEADROOM_BYTES } from "../../src/bytes/headroom.ts";
import { ivfFrameHeader, ivfHeader } from "../../src/media/ivf_writer.ts";
import { bareConfig } from "../../src/core/frame.ts";
import { IvfSplitter } from "../../src/split/ivf.ts";
import { MAX_IVF_HEADER_BYTES } from "../../src/split/ivf_header.ts";
import type { SplitFrame } from "../../src/split/splitter.ts";
import { ffmpeg, needs, NO_FFMPEG } from "../ffmpeg.ts";
import {
  INTER_FRAME_OBU,
  ivf,
  ivfFrameStart,
  type IvfOptions,
  ivfStart,
  KEY_FRAME_OBU,
  sequenceObu,
  TEMPORAL_DELIMITER,
  VP8_DELTA,
  vp8KeyFrame,
  vp9Frame,
} from "./ivf_samples.ts";
import { bytesUntilError, concat, cutAt, errorOf, split } from "./samples.ts";

const VP9: IvfOptions = { fourcc: "VP90" };
const AV1: IvfOptions = { fourcc: "AV01" };
const AV1_KEY = concat(TEMPORAL_DELIMITER, sequenceObu(), KEY_FRAME_OBU);
const AV1_DELTA = concat(TEMPORAL_DELIMITER, INTER_FRAME_OBU);
const AV1_BARE_KEY = concat(TEMPORAL_DELIMITER, KEY_FRAME_OBU);

function create(maxFrameBytes = 4096): IvfSplitter {
  return new IvfSplitter({ maxFrameBytes });
}

function framesOf(...chunks: Uint8Array[]): readonly SplitFrame[] {
  const { frames, error } = split(create(), chunks);
  if (error !== undefined) throw error;
  return frames;
}

/** The time of a frame at `pts` where a unit is `scale / rate` seconds. */
function ptsOf(pts: number | bigint, rate: number, scale: number): number | null {
  const start = ivfStart({ rate, scale });
  return framesOf(start, ivfFrameStart(VP8_DELTA.length, pts), VP8_DELTA)[0]!.ptsUs;
}

function kindsOf(frames: readonly SplitFrame[]): string {
  return frames.map(({ kind }) => kind[0]).join("");
}

Deno.test("IvfSplitter makes streams of VP8, VP9 and AV1, with a codec string for each", () => {
  const files = [
    ivf({ width: 1, height: 1 }, vp8KeyFrame({ width: 320, height: 200 }), VP8_DELTA),
    ivf(VP9, vp9Frame({ width: 320, height: 200 }), vp9Frame({ isInterFrame: 1 })),
    ivf(AV1, concat(sequenceObu({ width: 320, height: 200 }), KEY_FRAME_OBU), AV1_DELTA),
  ];
  const codecs = ["vp8", "vp09.00.11.08", "av01.0.05M.08"];
  for (const [index, format] of (["vp8", "vp9", "av1"] as const).entries()) {
    const [key, delta] = framesOf(files[index]!);
    const known = { codec: codecs[index]!, width: 320, height: 200, frameRate: 30 };
    assertEquals(key!.config, bareConfig(format, known));
    assertStrictEquals(delta!.config, key!.config);
    assertEquals([key!.kind, key!.configuration], ["key", true]);
    assertEquals([delta!.kind, delta!.configuration], ["delta", undefined]);
  }
});

Deno.test("IvfSplitter goes by the header until a key frame tells more", () => {
  const [vp8] = framesOf(ivf({ width: 320, height: 0 }, VP8_DELTA));
  const known = { width: 320, height: null, frameRate: 30 };
  assertEquals(vp8!.config, bareConfig("vp8", { ...known, codec: "vp8" }));
  const vp9 = framesOf(ivf(VP9, vp9Frame({ isInterFrame: 1 }), vp9Frame()));
  assertEquals(vp9.map(({ config }) => config.codec), [null, "vp09.00.10.08"]);
});

Deno.test("IvfSplitter makes a new configuration only when a key frame says something new", () => {
  const same = vp8KeyFrame();
  const spoiled = vp8KeyFrame({ startCode: [1, 2, 3], width: 90 });
  const other = vp8KeyFrame({ width: 32 });
  const frames = framesOf(ivf({}, same, VP8_DELTA, same, spoiled, other, VP8_DELTA, other));
  assertEquals(kindsOf(frames), "kdkdkdk");
  const configs = frames.map(({ config }) => config);
  assertEquals([...new Set(configs)].map(({ width }) => width), [16, 32]);
  assertEquals(configs.map(({ width }) => width), [16, 16, 16, 16, 32, 32, 32]);
});

Deno.test("IvfSplitter takes a time base for a frame rate where it can be one", () => {
  const cases: [number, number, number | null][] = [
    [25, 1, 25],
    [30_000, 1001, 30_000 / 1001],
    [1, 2, 0.5],
    [240, 1, 240],
    [241, 1, null],
    [1000, 1, null],
    [1_000_000, 1, null],
    [0, 1, null],
    [25, 0, null],
  ];
  for (const [rate, scale, expected] of cases) {
    const [frame] = framesOf(ivf({ rate, scale }, vp8KeyFrame()));
    assertEquals(frame!.config.frameRate, expected, `${rate}/${scale}`);
  }
});

Deno.test("IvfSplitter tells times in microseconds, rounded once", () => {
  assertEquals([ptsOf(0, 30, 1), ptsOf(1, 30, 1), ptsOf(2, 30, 1)], [0, 33_333, 66_667]);
  assertEquals(ptsOf(3, 30_000, 1001), 100_100);
  assertEquals(ptsOf(1, 2_000_000, 1), 1);
  assertEquals(ptsOf(1, 2_000_001, 1), 0);
  assertEquals(ptsOf(2 ** 32 + 7, 1_000_000, 1), 2 ** 32 + 7);
  assertEquals([ptsOf(5, 0, 1), ptsOf(5, 30, 0)], [null, null]);
});

Deno.test("IvfSplitter tells no time that a number does not hold exactly", () => {
  assertEquals(ptsOf(2n ** 53n - 1n, 1_000_000, 1), 2 ** 53 - 1);
  assertEquals(ptsOf(2n ** 53n, 1_000_000, 1), null);
  assertEquals(ptsOf((2n ** 53n - 1n) * 90n, 90_000_000, 1), 2 ** 53 - 1);
  assertEquals(ptsOf(2n ** 53n * 90n, 90_000_000, 1), null);
  assertEquals(ptsOf(2n ** 63n, 30, 1), null);
  assertEquals(ptsOf(2n ** 64n - 1n, 30, 1), null);
  assertEquals(ptsOf(2n ** 64n - 1n, 0xffff_ffff, 0xffff_ffff), null);
});

Deno.test("IvfSplitter tells every time as exact arithmetic does", () => {
  const uint32 = fc.integer({ min: 1, max: 0xffff_ffff });
  const time = fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.bigInt({ min: 0n, max: 2n ** 40n }),
  );
  fc.assert(
    fc.property(time, uint32, uint32, (pts, rate, scale) => {
      const twice = 2n * pts * BigInt(scale) * 1_000_000n + BigInt(rate);
      const exact = twice / (2n * BigInt(rate));
      const expected = exact <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(exact) : null;
      assertEquals(ptsOf(pts, rate, scale), expected);
    }),
    { seed: 40, numRuns: 500 },
  );
});

Deno.test("IvfSplitter passes over a header as long as it says", () => {
  for (const headerBytes of [32, 33, MAX_IVF_HEADER_BYTES]) {
    const [frame] = framesOf(ivf({ headerBytes }, VP8_DELTA));
    assertEquals(frame!.data, VP8_DELTA);
  }
});

Deno.test("IvfSplitter refuses headers that cannot be", () => {
  const spoiled: [IvfOptions, string, string, number][] = [
    [{ version: 1 }, "version 0", "version 1", 4],
    [{ headerBytes: 31 }, "32 to 1024 bytes", "one of 31", 6],
    [{ headerBytes: MAX_IVF_HEADER_BYTES + 1 }, "32 to 1024 bytes", "one of 1025", 6],
    [{ fourcc: "MJPG" }, "VP80, VP90 or AV01", '"MJPG"', 8],
    [{ fourcc: "\0\x01\x02\xff" }, "VP80, VP90 or AV01", "the bytes 00 01 02 ff", 8],
  ];
  for (const [options, expected, found, offset] of spoiled) {
    const { fault } = errorOf(create(), ivf(options, VP8_DELTA));
    assertStringIncludes(fault.expected, expected);
    assertEquals([fault.found, fault.frame, fault.offset], [found, 1, offset]);
  }
});

Deno.test("IvfSplitter says for other formats in IVF what to use instead", () => {
  const advice: [string, string][] = [
    ["H264", "-c copy -f h264 -"],
    ["h264", "-c copy -f h264 -"],
    ["HEVC", "-c copy -f hevc -"],
    ["H265", "-c copy -f hevc -"],
    ["MJPG", "-f mjpeg"],
  ];
  for (const [fourcc, expected] of advice) {
    assertStringIncludes(errorOf(create(), ivfStart({ fourcc })).fault.advice ?? "", expected);
  }
});

Deno.test("IvfSplitter leaves frames of no bytes out, and counts them", () => {
  const splitter = create();
  const file = ivf(
    {},
    new Uint8Array(0),
    vp8KeyFrame(),
    new Uint8Array(0),
    VP8_DELTA,
    new Uint8Array(0),
  );
  const { frames, error } = split(splitter, [file]);
  assertEquals([error, splitter.damaged], [undefined, 3]);
  assertEquals(frames.map(({ ptsUs }) => ptsUs), [33_333, 100_000]);
  assertEquals(errorOf(create(), ivf({}, new Uint8Array(0))).fault.frame, 1);
});

Deno.test("IvfSplitter refuses a size over the limit before the frame has come", () => {
  const start = concat(ivfStart(), ivfFrameStart(1001));
  const { fault } = errorOf(create(1000), start);
  assertStringIncludes(fault.expected, "at most 1000 bytes (--max-frame)");
  assertEquals([fault.frame, fault.offset], [1, 32]);
  assert(bytesUntilError(create(1000), ivfStart(), ivfFrameStart(0xffff_ffff)) <= 32 + 12);
});

Deno.test("IvfSplitter names the frame that is cut short", () => {
  const file = ivf({}, vp8KeyFrame(), VP8_DELTA);
  const { fault } = errorOf(create(), file.subarray(0, -1));
  assertEquals([fault.frame, fault.offset], [2, file.length - 1]);
  assertEquals(fault.expected, `a frame of ${VP8_DELTA.length} bytes`);
  assertEquals(fault.found, `the end of the input after ${VP8_DELTA.length - 1} bytes`);
});

Deno.test("IvfSplitter puts the sequence header in that a key frame of AV1 misses", () => {
  const frames = framesOf(ivf(AV1, AV1_BARE_KEY, AV1_KEY, AV1_DELTA, AV1_BARE_KEY, AV1_DELTA));
  assertEquals(kindsOf(frames), "dkdkd");
  const [bare, key, , whole] = frames;
  assertEquals(bare!.data, AV1_BARE_KEY);
  assertEquals(whole!.data, AV1_KEY);
  assertStrictEquals(whole!.config, key!.config);
  assertEquals(whole!.data.byteOffset, HEADROOM_BYTES);
  assertEquals(whole!.configuration, true);
});

Deno.test("IvfSplitter refuses a key frame that a sequence header makes larger than the limit", () => {
  const file = ivf(AV1, AV1_KEY, AV1_BARE_KEY);
  assertEquals(split(create(AV1_KEY.length), [file]).frames.length, 2);
  const large = concat(AV1_BARE_KEY, new Uint8Array(20));
  const { frames, error } = split(create(large.length), [ivf(AV1, AV1_KEY, large)]);
  assertEquals([frames.length, error?.fault.frame], [1, 2]);
  assertStringIncludes(
    error?.message ?? "",
    `found a frame of ${large.length + sequenceObu().length}`,
  );
});

Deno.test("IvfSplitter takes back what ivfHeader and ivfFrameHeader wrote", () => {
  const times = [0, 1, 33_333, 2 ** 40 + 1, Number.MAX_SAFE_INTEGER];
  const config = bareConfig("av1", { width: 16, height: 8, codec: "av01.0.05M.08" });
  const parts = times.flatMap((time) => [ivfFrameHeader(AV1_KEY.length, time), AV1_KEY]);
  const frames = framesOf(ivfHeader(config), ...parts);
  assertEquals(frames.map(({ ptsUs }) => ptsUs), times);
  assertEquals(frames.map(({ data }) => data), times.map(() => AV1_KEY));
  assertEquals(frames[0]!.config, config);
});

Deno.test("IvfSplitter makes only frames or an InputError of spoiled frames, however cut", () => {
  const files = [
    ivf({}, vp8KeyFrame(), VP8_DELTA, vp8KeyFrame()),
    ivf(VP9, vp9Frame(), vp9Frame({ isInterFrame: 1 }), vp9Frame({ profile: 3 })),
    ivf(AV1, AV1_KEY, AV1_DELTA, AV1_BARE_KEY, AV1_KEY),
  ];
  const change = fc.record({ at: fc.nat({ max: 400 }), bits: fc.integer({ min: 1, max: 255 }) });
  const changes = fc.array(change, { minLength: 1, maxLength: 6 });
  const offsets = fc.array(fc.nat({ max: 200 }), { maxLength: 6 });
  let key = 0;
  let broken = 0;
  fc.assert(
    fc.property(fc.constantFrom(...files), changes, offsets, (file, changes, offsets) => {
      const spoiled = file.slice();
      for (const { at, bits } of changes) spoiled[at % file.length]! ^= bits;
      const whole = split(create(300), [spoiled]);
      const cuts = offsets.filter((offset) => offset <= spoiled.length);
      const pieces = split(create(300), cutAt(spoiled, cuts));
      assertEquals(pieces.frames, whole.frames);
      assertEquals(pieces.error?.fault.frame, whole.error?.fault.frame);
      for (const { data, kind, config } of whole.frames) {
        assert(data.length <= 300);
        if (kind === "key") assert(config.width! > 0 && config.codec !== null);
        key += kind === "key" ? 1 : 0;
      }
      broken += whole.error === undefined ? 0 : 1;
    }),
    { seed: 41, numRuns: 3000 },
  );
  assert(key > 1000 && broken > 300, `${key} key frames, ${broken} errors`);
});

interface RealCase {
  readonly name: string;
  readonly encoder: readonly string[];
  /** Whether ffmpeg looks at the pictures twice, as frames that are not shown need it. */
  readonly isTwoPass?: boolean;
  readonly size?: string;
  readonly pixelFormat?: string;
  readonly codec: RegExp;
  /** What must be among the frames for the test to be worth anything. */
  readonly has?: (frame: SplitFrame) => boolean;
}

const REAL_CASES: readonly RealCase[] = [
  {
    name: "VP8 with hidden frames",
    encoder: ["libvpx", "-auto-alt-ref", "1", "-lag-in-frames", "16", "-cpu-used", "4"],
    isTwoPass: true,
    codec: /^vp8$/,
    has: (frame) => !isShown(frame),
  },
  {
    name: "VP9 with superframes",
    encoder: ["libvpx-vp9", "-auto-alt-ref", "1", "-lag-in-frames", "16", "-cpu-used", "4"],
    isTwoPass: true,
    codec: /^vp09\.00\.10\.08$/,
    has: ({ data }) => (data.at(-1)! & 0xe0) === 0xc0,
  },
  {
    name: "VP9 of 10 bits",
    encoder: ["libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"],
    pixelFormat: "yuv420p10le",
    codec: /^vp09\.02\.10\.10$/,
  },
  {
    name: "VP9 of RGB",
    encoder: ["libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"],
    pixelFormat: "gbrp",
    codec: /^vp09\.01\.10\.08$/,
  },
  {
    name: "AV1 of libaom",
    encoder: ["libaom-av1", "-cpu-used", "8"],
    codec: /^av01\.0\.\d\dM\.08$/,
  },
  {
    name: "AV1 of SVT-AV1",
    encoder: ["libsvtav1", "-preset", "12"],
    size: "98x66",
    codec: /^av01\.0\.\d\dM\.08$/,
  },
  {
    name: "AV1 of 10 bits by rav1e",
    encoder: ["librav1e", "-speed", "10"],
    size: "98x66",
    pixelFormat: "yuv420p10le",
    codec: /^av01\.0\.\d\dM\.10$/,
  },
];

/** A file of 40 pictures; every 20th at least is a key frame. */
async function encode(options: RealCase): Promise<Uint8Array<ArrayBuffer>> {
  const { encoder, isTwoPass = false, size = "99x67", pixelFormat = "yuv420p" } = options;
  const folder = await Deno.makeTempDir();
  const passes = isTwoPass ? ["1", "2"] : [undefined];
  let file = new Uint8Array(0);
  try {
    for (const pass of passes) {
      const flags = pass === undefined ? [] : ["-pass", pass, "-passlogfile", `${folder}/pass`];
      const output = await ffmpeg([
        ...["-f", "lavfi", "-i", `testsrc=size=${size}:rate=30`, "-frames:v", "40"],
        ...["-pix_fmt", pixelFormat, "-c:v", ...encoder, "-b:v", "200k", "-g", "20"],
        ...[...flags, "-f", "ivf", "-"],
      ]);
      file = output.slice();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return file;
}

/** Whether a frame gives a picture: of VP8 some give none, RFC 6386 9.1. */
function isShown({ data, config }: SplitFrame): boolean {
  return config.format !== "vp8" || (data[0]! & 0x10) !== 0;
}

/** What ffprobe tells of every packet of a file: time in microseconds, size, key or delta. */
async function packetsOf(file: Uint8Array<ArrayBuffer>): Promise<unknown[]> {
  const entries = "packet=pts,size,flags:stream=time_base";
  const child = new Deno.Command("ffprobe", {
    args: ["-v", "error", "-of", "json", "-show_entries", entries, "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const feed = new Response(file).body!.pipeTo(child.stdin);
  const [{ stdout }] = await Promise.all([child.output(), feed]);
  const { packets, streams } = JSON.parse(new TextDecoder().decode(stdout));
  const [scale, rate] = streams[0].time_base.split("/").map(Number);
  return packets.map((packet: { pts: number; size: string; flags: string }) => [
    Math.round((packet.pts * scale * 1e6) / rate),
    Number(packet.size),
    packet.flags.startsWith("K") ? "key" : "delta",
  ]);
}

/** Makes a file of `frames` and decodes it; what ffmpeg warns of is an error. */
async function decode(frames: readonly SplitFrame[]): Promise<number> {
  const parts = frames.flatMap(({ data, ptsUs }) => [ivfFrameHeader(data.length, ptsUs!), data]);
  const file = concat(ivfHeader(frames[0]!.config), ...parts);
  const child = new Deno.Command("ffmpeg", {
    args: ["-v", "warning", "-i", "-", "-f", "framemd5", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const feed = new Response(file).body!.pipeTo(child.stdin);
  const [{ stdout, stderr }] = await Promise.all([child.output(), feed]);
  assertEquals(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout).match(/^\d/gm)!.length;
}

for (const real of REAL_CASES) {
  const { name, size = "99x67", codec, has = () => true } = real;
  Deno.test({
    ...needs(NO_FFMPEG, `IvfSplitter reads ${name} as ffprobe does, to be joined at any key frame`),
    fn: async () => {
      const file = await encode(real);
      const { frames, error } = split(create(1e6), [file]);
      assertEquals(error, undefined);
      assert(frames.some(has));
      const read = frames.map(({ ptsUs, data, kind }) => [ptsUs, data.length, kind]);
      assertEquals(read, await packetsOf(file));
      const [first] = frames;
      assertEquals(`${first!.config.width}x${first!.config.height}`, size);
      assert(codec.test(first!.config.codec!), first!.config.codec!);
      assertEquals(new Set(frames.map(({ config }) => config)).size, 1);

      const keys = [...frames.keys()].filter((index) => frames[index]!.kind === "key");
      assert(keys.length > 1, `${keys.length} key frames`);
      for (const key of keys) {
        const rest = frames.slice(key);
        assertEquals(await decode(rest), rest.filter(isShown).length);
      }
    },
  });
}

Deno.test({
  ...needs(NO_FFMPEG, "IvfSplitter makes key frames of libaom whole again that lost their headers"),
  fn: async () => {
    const { frames } = split(create(1e6), [await encode(REAL_CASES[4]!)]);
    const headerBytes = 2 + frames[0]!.data[3]!;
    const spoiled = frames.map(({ data, kind }, index) => {
      if (kind === "delta" || index === 0) return data;
      assertEquals([...data.subarray(0, 3)], [0x12, 0, 0x0a]);
      return concat(data.subarray(0, 2), data.subarray(2 + headerBytes));
    });
    assert(spoiled.some(({ length }, index) => length < frames[index]!.data.length));
    assertEquals(
      framesOf(ivf(AV1, ...spoiled)).map(({ data }) => data),
      frames.map(({ data }) => data),
    );
  },
});
