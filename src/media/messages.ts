/**
 * What is said of media files.
 *
 * @module
 */
import { StreamError } from "../errors.ts";
import type { MediaFault } from "./media_reader.ts";

/** What a pipe is called in messages. */
export const STANDARD_INPUT = "standard input";

/** Codings that no stream carries: how files call them, and how people do. */
export const NOT_CARRIED: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^V_MPEG2$|^m[12]v1$|^hdv.$|^mx[345][np]$/, "MPEG-2"],
  [/^V_MPEG1$|^mpeg$/, "MPEG-1"],
  [/^mp4v$/, "mp4v (MPEG-4 Part 2, or MPEG-2)"],
  [/^V_MPEG4\/ISO\/(SP|ASP|AP)$/, "MPEG-4 Part 2"],
  [/^ap(ch|cn|cs|co|4h|4x)$|^V_PRORES$|^prores$/, "ProRes"],
  [/^AVd[nh]$/, "DNxHD"],
  [/^V_MS\/VFW\/FOURCC$/, "a format of AVI"],
  [/^V_FFV1$/, "FFV1"],
  [/^V_THEORA$/, "Theora"],
  [/^s263$|^h263$/, "H.263"],
  [/^rle$/, "QuickTime Animation"],
  [/^V_UNCOMPRESSED$|^raw$|^2vuy$|^yuv2$|^v210$/, "raw pixels"],
];

/** That a file cannot be used as it is, and the ffmpeg line that helps. */
export function badInput(name: string, seen: string, cause?: unknown): StreamError {
  return new StreamError(
    "bad_input",
    `Cannot read ${name}: ${seen}; try: ffmpeg -i ${
      isFile(name) ? name : "INPUT"
    } -f mjpeg -q:v 3 - | stream publish`,
    { cause },
  );
}

/** Whether a name is one that ffmpeg can open, too. */
function isFile(name: string): boolean {
  return name !== STANDARD_INPUT;
}

/** That a part of a file cannot be used. */
export function faultError(name: string, { frame, why, advice }: MediaFault): StreamError {
  const then = advice === undefined ? "" : `; ${advice}`;
  return new StreamError("bad_input", `Cannot read frame ${frame} of ${name}: ${why}${then}`);
}

/** The same of a file that is played all the same. */
export function describeFault(name: string, { frame, why }: MediaFault): string {
  return `left out a part of ${name} at frame ${frame}: ${why}`;
}

/** That the sound of a file is left out. */
export function soundNote(name: string): string {
  return `the sound in ${name} is left out: a stream carries only video`;
}

/** That other videos of a file are left out. */
export function otherVideosNote(name: string, count: number): string {
  const others = count === 1 ? "the other video" : `the ${count} other videos`;
  return `${others} in ${name} ${count === 1 ? "is" : "are"} left out; to publish another: ` +
    `ffmpeg -i ${name} -map 0:v:1 -c copy other.mp4`;
}

/** That a film of several parts is played as one. */
export function editsNote(name: string, parts: number): string {
  return `the cuts in ${name} are left out: its ${parts} parts are played as one, from where the ` +
    `first begins; ffmpeg makes them: ffmpeg -i ${name} -f mjpeg -q:v 3 - | stream publish`;
}

/** That pictures are not shown as in a mirror. */
export function mirrorNote(name: string): string {
  return `the pictures in ${name} should be mirrored, which is left out; ffmpeg does it: ` +
    `ffmpeg -i ${name} -f mjpeg -q:v 3 - | stream publish`;
}

/** Decoders of ffmpeg that give the transparency of what a track calls its codec. */
const TRANSPARENT_DECODERS: ReadonlyMap<string, string> = new Map([
  ["V_VP8", "-c:v libvpx "],
  ["V_VP9", "-c:v libvpx-vp9 "],
]);

/** That the transparency of a film is left out. */
export function transparencyNote(name: string, codecId?: string): string {
  const decoder = codecId === undefined ? "" : TRANSPARENT_DECODERS.get(codecId) ?? "";
  const who = decoder === "" ? "an ffmpeg that decodes it" : "ffmpeg";
  return `the transparency in ${name} is left out, and its pictures are opaque; ${who} keeps it in ` +
    `PNG: ffmpeg ${decoder}-i ${name} -f image2pipe -c:v png -pix_fmt rgba - | stream publish`;
}

/** That layers of H.265 are left out of which it is not known what they are for. */
export function layersNote(name: string): string {
  return `the upper layers of the video in ${name} (transparency, or a second view) are left out, ` +
    `and its base layer is shown; to store only that: ffmpeg -i ${name} -c:v libx265 plain.mp4`;
}
