/** Byte streams of real encoders, compared with what ffmpeg makes of them. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { createSplitter } from "../../src/split/create.ts";
import {
  h264NalType,
  hevcNalType,
  isH264ParameterSet,
  isHevcParameterSet,
  nalUnits,
} from "../../src/split/nal.ts";
import type { SplitFrame } from "../../src/split/splitter.ts";
import { ffmpeg, needs, NO_FFMPEG } from "../ffmpeg.ts";
import { CODE_3 } from "./nal_samples.ts";
import { concat, cutAt, split } from "./samples.ts";

type Format = "h264" | "hevc";

/** How a stream is encoded, and what is in it. */
interface Encoding {
  readonly what: string;
  readonly format: Format;
  readonly size?: readonly [number, number];
  readonly pixelFormat?: string;
  readonly frames?: number;
  /** Options of x264 or x265. */
  readonly params: string;
  readonly flags?: string;
  /** Done to the stream before it is split. */
  readonly change?: (stream: Uint8Array, format: Format) => Uint8Array;
  readonly keys: number;
  /** Whether there are pictures that a key frame precedes in decoding only. */
  readonly hasLeading?: boolean;
  /** Codec string with ## for the level, which is the encoder's choice. */
  readonly codec: string;
}

const ENCODINGS: readonly Encoding[] = [
  {
    what: "H.264 with B frames",
    format: "h264",
    params: "keyint=20:min-keyint=20:scenecut=0:bframes=3",
    keys: 4,
    codec: "avc1.6400##",
  },
  {
    what: "H.264 for low delay, of three slices, with delimiters",
    format: "h264",
    params: "keyint=20:min-keyint=20:scenecut=0:bframes=0:slices=3:aud=1:rc-lookahead=0",
    keys: 4,
    codec: "avc1.6400##",
  },
  {
    what: "H.264 of open GOPs",
    format: "h264",
    params: "keyint=20:min-keyint=20:scenecut=0:bframes=3:b-adapt=0:open-gop=1:slices=2",
    keys: 4,
    hasLeading: true,
    codec: "avc1.6400##",
  },
  {
    what: "H.264 of open GOPs, interlaced",
    format: "h264",
    params: "keyint=20:min-keyint=20:scenecut=0:bframes=3:b-adapt=0:open-gop=1:interlaced=1",
    keys: 4,
    hasLeading: true,
    codec: "avc1.6400##",
  },
  {
    what: "H.264 of one GOP in 10 s",
    format: "h264",
    frames: 260,
    params: "keyint=250:min-keyint=250:scenecut=0",
    keys: 2,
    codec: "avc1.6400##",
  },
  {
    what: "H.264 with parameter sets once, and short start codes",
    format: "h264",
    params: "keyint=20:min-keyint=20:scenecut=0:bframes=3:b-adapt=0:open-gop=1:aud=1",
    change: (stream, format) => rewritten(stream, format, CODE_3),
    keys: 4,
    hasLeading: true,
    codec: "avc1.6400##",
  },
  {
    what: "H.264 of 4:4:4, of odd sizes",
    format: "h264",
    size: [175, 97],
    pixelFormat: "yuv444p",
    params: "keyint=20:min-keyint=20:scenecut=0",
    keys: 4,
    codec: "avc1.F400##",
  },
  {
    what: "H.264 of 4:2:2 in 10 bits, cropped",
    format: "h264",
    size: [178, 99],
    pixelFormat: "yuv422p10le",
    params: "keyint=20:min-keyint=20:scenecut=0",
    keys: 4,
    codec: "avc1.7A00##",
  },
  {
    what: "H.265 of open GOPs",
    format: "hevc",
    params: "keyint=20:min-keyint=20:scenecut=0:bframes=4:b-adapt=0",
    keys: 4,
    hasLeading: true,
    codec: "hev1.1.6.L##.90",
  },
  {
    what: "H.265 of closed GOPs, of three slices, with delimiters, cropped",
    format: "hevc",
    size: [178, 98],
    params: "keyint=20:min-keyint=20:scenecut=0:open-gop=0:slices=3:aud=1",
    keys: 4,
    codec: "hev1.1.6.L##.90",
  },
  {
    what: "H.265 with parameter sets once, and short start codes",
    format: "hevc",
    params: "keyint=20:min-keyint=20:scenecut=0:bframes=4:b-adapt=0:aud=1",
    change: (stream, format) => rewritten(stream, format, CODE_3),
    keys: 4,
    hasLeading: true,
    codec: "hev1.1.6.L##.90",
  },
  {
    what: "H.265 in 10 bits, with temporal layers and scaling lists",
    format: "hevc",
    pixelFormat: "yuv420p10le",
    params:
      "keyint=20:min-keyint=20:scenecut=0:bframes=4:b-adapt=0:temporal-layers=1:scaling-list=default",
    keys: 4,
    hasLeading: true,
    codec: "hev1.2.4.L##.90",
  },
  {
    what: "H.265 of 4:4:4, of odd sizes, of one GOP in 10 s",
    format: "hevc",
    size: [175, 97],
    pixelFormat: "yuv444p",
    frames: 260,
    params: "keyint=250:min-keyint=250:scenecut=0:bframes=4:b-adapt=0",
    keys: 2,
    hasLeading: true,
    codec: "hev1.4.10.L##.9E.8",
  },
];

/** The stream with its first parameter sets only, behind start codes of one length. */
function rewritten(stream: Uint8Array, format: Format, code: Uint8Array): Uint8Array {
  const seen = new Set<number>();
  const isRepeated = (header: number): boolean => {
    const type = format === "h264" ? h264NalType(header) : hevcNalType(header);
    if (!(format === "h264" ? isH264ParameterSet : isHevcParameterSet)(type)) return false;
    return seen.has(type) || seen.add(type) === undefined;
  };
  const units = nalUnits(stream).filter(({ start }) => !isRepeated(stream[start]!));
  return concat(...units.flatMap(({ start, end }) => [code, stream.subarray(start, end)]));
}

async function encode(encoding: Encoding): Promise<Uint8Array> {
  const { format, size = [176, 96], pixelFormat = "yuv420p", frames = 80, params } = encoding;
  const [library, log] = format === "h264" ? ["x264", ""] : ["x265", ":log-level=error"];
  const stream = await ffmpeg([
    ...["-f", "lavfi", "-i", "testsrc2=size=176x96:rate=25", "-frames:v", `${frames}`],
    ...["-vf", `scale=${size.join(":")}`, "-pix_fmt", pixelFormat],
    ...["-c:v", `lib${library}`, `-${library}-params`, params + log],
    ...["-f", format, "-"],
  ]);
  return encoding.change?.(stream, format) ?? stream;
}

/** Runs a program on `input`; returns its output and what it warned of. */
async function pipe(
  program: string,
  args: readonly string[],
  input: Uint8Array,
): Promise<{ stdout: string; stderr: string }> {
  const child = new Deno.Command(program, {
    args: ["-v", "warning", ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const feed = async () => {
    const writer = child.stdin.getWriter();
    await writer.write(input);
    await writer.close();
  };
  const [{ stdout, stderr }] = await Promise.all([child.output(), feed()]);
  const text = new TextDecoder();
  return { stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

/** Size and flags of the packets that ffmpeg's own parser makes, and what it says of the stream. */
async function probe(stream: Uint8Array, format: Format) {
  const entries = "packet=size,flags:stream=width,height,level,r_frame_rate,has_b_frames";
  const { stdout } = await pipe("ffprobe", [
    ...["-f", format, "-show_entries", entries, "-of", "json", "-i", "-"],
  ], stream);
  const { packets, streams } = JSON.parse(stdout);
  return { packets: packets as { size: string; flags: string }[], stream: streams[0] };
}

/** Hashes of all pictures that ffmpeg decodes, in order of output, and its warnings. */
async function decode(data: Uint8Array, format: Format) {
  const args = ["-f", format, "-i", "-", "-fps_mode", "passthrough", "-f", "framehash", "-"];
  const { stdout, stderr } = await pipe("ffmpeg", args, data);
  const lines = stdout.split("\n").filter((line) => /^0,/.test(line));
  return { hashes: lines.map((line) => line.split(",").at(-1)!.trim()), warnings: stderr };
}

function dataOf(frames: readonly SplitFrame[]): Uint8Array {
  return concat(...frames.map(({ data }) => data));
}

for (const encoding of ENCODINGS) {
  const { what, format, size = [176, 96], frames: count = 80, codec, hasLeading = false } =
    encoding;
  Deno.test({
    ...needs(
      NO_FFMPEG,
      `createSplitter splits ${what} as ffmpeg does, and it decodes from any key`,
    ),
    fn: async () => {
      const stream = await encode(encoding);
      const create = () => createSplitter({ format: "auto", maxFrameBytes: 1e6 });
      const splitter = create();
      const { frames, error } = split(splitter, [stream]);
      assertEquals([error, splitter.damaged], [undefined, 0]);
      const offsets = Array.from({ length: stream.length / 100 }, (_, index) => 101 * index);
      assertEquals(split(create(), cutAt(stream, offsets)).frames, frames);

      const probed = await probe(stream, format);
      assertEquals(frames.length, count);
      assertEquals(probed.packets.length, count);
      const isKey = frames.map(({ kind }) => kind === "key");
      assertEquals(isKey, probed.packets.map(({ flags }) => flags.startsWith("K")));
      assertEquals(isKey.filter((each) => each).length, encoding.keys);
      assertEquals(frames.some(({ leading }) => leading === true), hasLeading);
      if (encoding.change === undefined) assertEquals(dataOf(frames), stream);

      const config = frames[0]!.config;
      const { width, height, level, r_frame_rate, has_b_frames } = probed.stream;
      assertEquals(frames.at(-1)!.isReordered === true, has_b_frames > 0);
      assertEquals([config.width, config.height], [...size]);
      assertEquals([config.width, config.height], [width, height]);
      assertEquals(config.codec, codec.replace("##", levelText(format, level)));
      assertEquals([config.frameRate, r_frame_rate], [25, "25/1"]);
      assert(frames.every((frame) => frame.config === config));

      const whole = await decode(dataOf(frames), format);
      assertEquals([whole.hashes.length, whole.warnings], [count, ""]);
      for (const [index, key] of isKey.entries()) {
        if (!key || index === 0) continue;
        const next = isKey.indexOf(true, index + 1);
        const joined = frames.filter((frame, at) =>
          at >= index && !(frame.leading === true && (next < 0 || at < next))
        );
        const { hashes, warnings } = await decode(dataOf(joined), format);
        assertEquals(warnings, "", `from frame ${index} on`);
        assertEquals(hashes, whole.hashes.slice(-joined.length), `from frame ${index} on`);
      }
    },
  });
}

function levelText(format: Format, level: number): string {
  return format === "hevc" ? `${level}` : level.toString(16).padStart(2, "0").toUpperCase();
}
