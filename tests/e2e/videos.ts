/**
 * Real video: made by ffmpeg, cut into frames, and seen again by ffmpeg. Nothing here uses the
 * program's own knowledge of the formats.
 *
 * @module
 */
import { ivfFrameHeader, ivfHeader } from "../../src/media/ivf_writer.ts";
import { bareConfig } from "../../src/core/frame.ts";
import { ffmpeg } from "../ffmpeg.ts";
import { concat } from "../split/samples.ts";

/** Formats of video that is coded in time. */
export type VideoFormat = "h264" | "hevc" | "vp8" | "vp9" | "av1";

/** What video is made. */
export interface VideoOptions {
  readonly format: VideoFormat;
  /** `WxH`. @default {"192x108"} */
  readonly size?: string;
  readonly frames: number;
  /** Frames from one key frame to the next; three B frames stand between others, if there are any. */
  readonly gop: number;
  /** Whether B frames before a key frame in time, but behind it in the stream, need the GOP before. */
  readonly isOpen?: boolean;
  /** Slices of a picture. @default {1} */
  readonly slices?: number;
  /** Whether VP8, VP9 and AV1 have frames that are not shown but referred to. @default {false} */
  readonly hasHidden?: boolean;
}

/** Makes video of which every picture differs: H.264 and H.265 byte streams, or an IVF file. */
export async function makeVideo(options: VideoOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { format, size = "192x108", frames, gop, hasHidden = false } = options;
  const picture = ["-f", "lavfi", "-i", `testsrc2=size=${size}:rate=30`];
  const coded = ["-frames:v", String(frames), "-g", String(gop), ...encoder(options)];
  const muxer = isByteStream(format) ? format : "ivf";
  const args = [...picture, ...coded, "-threads", "1", "-f", muxer];
  if (!hasHidden || format === "av1") return (await ffmpeg([...args, "-"])).slice();
  // libvpx hides frames only where it has seen all before.
  const log = await Deno.makeTempFile();
  try {
    const pass = (number: number) => ["-passlogfile", log, "-pass", String(number)];
    await ffmpeg([...args, ...pass(1), "/dev/null"]);
    return (await ffmpeg([...args, ...pass(2), "-"])).slice();
  } finally {
    await Promise.all([log, `${log}-0.log`].map((path) => Deno.remove(path)));
  }
}

/** Whether the format has parameter sets in its stream and needs no container. */
export function isByteStream(format: string): format is "h264" | "hevc" {
  return format === "h264" || format === "hevc";
}

/** What ffmpeg is told so that it encodes such a video. */
export function encoder(options: VideoOptions): string[] {
  const { format, gop, isOpen = false, slices = 1, hasHidden = false } = options;
  const structure = [
    ...[`keyint=${gop}`, `min-keyint=${gop}`, "scenecut=0", "bframes=3", "b-adapt=0"],
    ...[`open-gop=${isOpen ? 1 : 0}`, `slices=${slices}`],
  ];
  const libvpx = hasHidden
    ? ["-deadline", "good", "-cpu-used", "5", "-auto-alt-ref", "1", "-lag-in-frames", "25"]
    : ["-deadline", "realtime", "-cpu-used", "8"];
  switch (format) {
    case "h264": {
      const params = [...structure, "b-pyramid=normal"].join(":");
      return ["-c:v", "libx264", "-preset", "veryfast", "-x264-params", params];
    }
    case "hevc": {
      const params = [...structure, "log-level=none"].join(":");
      return ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", params];
    }
    case "vp8":
      return ["-c:v", "libvpx", ...libvpx];
    case "vp9":
      return ["-c:v", "libvpx-vp9", ...libvpx];
    case "av1":
      return hasHidden
        ? ["-c:v", "libsvtav1", "-preset", "12"]
        : ["-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8"];
  }
}

/** The frames of a video as they stand in it: together they are the video again. */
export function cutVideo(format: VideoFormat, video: Uint8Array): Uint8Array[] {
  const starts = isByteStream(format) ? accessUnits(format, video) : ivfFrames(video);
  return starts.map((start, index) => video.subarray(index === 0 ? 0 : start, starts[index + 1]));
}

/** Where the access units of an encoder's plain output begin. */
function accessUnits(format: "h264" | "hevc", video: Uint8Array): number[] {
  const starts = [0];
  let hasPicture = false;
  for (const { code, isFirstSlice, isSlice } of nalUnits(format, video)) {
    // Behind a picture, only what belongs to the next one follows, and its other slices.
    const isNext = hasPicture && (isFirstSlice || !isSlice);
    if (isNext) starts.push(code);
    if (isNext) hasPicture = false;
    if (isSlice) hasPicture = true;
  }
  return starts;
}

/** A NAL unit. */
export interface VideoUnit {
  /** Where its start code begins. */
  readonly code: number;
  /** Where its header is. */
  readonly start: number;
  /** Where the next one's start code begins. */
  readonly end: number;
  readonly type: number;
  readonly isSlice: boolean;
  readonly isFirstSlice: boolean;
  readonly isParameterSet: boolean;
}

/** The NAL units of an encoder's plain output. */
export function nalUnits(format: "h264" | "hevc", video: Uint8Array): VideoUnit[] {
  const codes: { code: number; start: number }[] = [];
  for (let at = video.indexOf(1); at >= 0; at = video.indexOf(1, at + 1)) {
    if (at < 2 || video[at - 1] !== 0 || video[at - 2] !== 0) continue;
    codes.push({ code: at >= 3 && video[at - 3] === 0 ? at - 3 : at - 2, start: at + 1 });
  }
  return codes.map(({ code, start }, index) => {
    const header = video[start]!;
    const type = format === "h264" ? header & 0x1f : (header >> 1) & 0x3f;
    const isSlice = format === "h264" ? type === 1 || type === 5 : type < 32;
    const first = video[start + (format === "h264" ? 1 : 2)]!;
    return {
      code,
      start,
      end: codes[index + 1]?.code ?? video.length,
      type,
      isSlice,
      isFirstSlice: isSlice && (first & 0x80) !== 0,
      isParameterSet: format === "h264" ? type === 7 || type === 8 : type >= 32 && type <= 34,
    };
  });
}

/** The video without its parameter sets but for those of the first key frame. */
export function withSetsOnce(format: "h264" | "hevc", video: Uint8Array): Uint8Array<ArrayBuffer> {
  const units = nalUnits(format, video);
  const firstPicture = units.findIndex(({ isSlice }) => isSlice);
  const kept = units.filter(({ isParameterSet }, index) => !isParameterSet || index < firstPicture);
  return concat(...kept.map(({ code, end }) => video.subarray(code, end)));
}

function ivfFrames(video: Uint8Array): number[] {
  const view = new DataView(video.buffer, video.byteOffset, video.byteLength);
  const starts = [];
  for (let at = 32; at < video.length; at += 12 + view.getUint32(at, true)) starts.push(at);
  return starts;
}

/** An IVF file of these frames, a thirtieth of a second apart. */
export function ivfFile(
  format: "vp8" | "vp9" | "av1",
  frames: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const timed = frames.flatMap((frame, index) => [
    ivfFrameHeader(frame.length, index * 1_000_000 / 30),
    frame,
  ]);
  return concat(ivfHeader(bareConfig(format)), ...timed);
}

/** A file of these frames that ffmpeg can read: a byte stream, or an IVF file. */
export function videoFile(
  format: VideoFormat,
  frames: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  return isByteStream(format) ? concat(...frames) : ivfFile(format, frames);
}

/** What ffmpeg made of a video. */
export interface Seen {
  /** The lines of `ffmpeg -f framemd5`: time, size and hash of each picture. */
  readonly framemd5: readonly string[];
  /** A hash of each picture. */
  readonly pictures: readonly string[];
  /** What `ffmpeg -v warning` said. */
  readonly complaints: string;
}

/** Decodes a video that {@linkcode videoFile} could have made. */
export async function see(format: VideoFormat, video: Uint8Array): Promise<Seen> {
  const demuxer = isByteStream(format) ? format : "ivf";
  const child = new Deno.Command("ffmpeg", {
    args: [
      ...["-v", "warning", "-nostdin", "-threads", "1", "-f", demuxer, "-i", "-"],
      // Every picture once, in its own size.
      ...["-fps_mode", "passthrough", "-autoscale", "0", "-f", "framemd5", "-"],
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const feed = new Blob([video as Uint8Array<ArrayBuffer>]).stream().pipeTo(child.stdin);
  // It may end before it has read all.
  const [{ stdout, stderr }] = await Promise.all([child.output(), feed.catch(() => {})]);
  const framemd5 = new TextDecoder().decode(stdout).split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  return {
    framemd5,
    pictures: framemd5.map((line) => line.split(",").at(-1)!.trim()),
    complaints: new TextDecoder().decode(stderr).trim(),
  };
}
