/**
 * What `stream publish` is called with, and says of itself.
 *
 * @module
 */
import { PACES } from "../files/choices.ts";
import { CONTAINERS } from "../media/containers.ts";
import { DEFAULT_PATTERN_SIZE, MAX_PATTERN_SIDE } from "../picture/test_pattern.ts";
import { INPUT_FORMATS } from "../split/detect.ts";
import { ADDRESS } from "./address.ts";
import { PASS_FLAGS } from "./pass_flags.ts";
import { command, toggle } from "./command.ts";
import {
  boolean,
  bytes,
  duration,
  MAX_FRAME_BYTES,
  MAX_TIMER_MS,
  oneOf,
  pictureSize,
  pixelFormat,
  text,
} from "./value.ts";

const MAX_SIDE = 65_535;
const PATTERN_SIZE = `${DEFAULT_PATTERN_SIZE.width}x${DEFAULT_PATTERN_SIZE.height}`;

/** What it may be told. */
export const PUBLISH_FLAGS = {
  input: {
    value: "FILE",
    help: "read this file instead of standard input (-); also MP4, MOV, MKV, WebM and MPEG-TS",
    read: text,
  },
  pace: {
    value: PACES.join("|"),
    help: "how fast to send an MP4, MKV, …: by its timestamps, or as fast as the relay takes it",
    read: oneOf(PACES),
    fallback: "timestamps",
  },
  loop: toggle("repeat the file forever"),
  "test-pattern": {
    value: "WxH",
    help: `publish a moving picture with a counter and a clock, at ${PATTERN_SIZE} or this size`,
    read: pictureSize(MAX_PATTERN_SIDE),
    alone: PATTERN_SIZE,
    aloneUnless: /^\d+x/,
  },
  format: {
    value: "FORMAT",
    help: `what the input is: auto, ${[...INPUT_FORMATS, ...CONTAINERS].join(", ")}`,
    read: oneOf(["auto", ...INPUT_FORMATS, ...CONTAINERS]),
    fallback: "auto",
  },
  size: { value: "WxH", help: "size of raw pictures in pixels", read: pictureSize(MAX_SIDE) },
  "pixel-format": {
    value: "NAME",
    help: "ffmpeg's name for the raw pixel format: rgb24, yuv420p, …",
    read: pixelFormat,
  },
  "frame-size": {
    value: "BYTES",
    help: "size of raw frames, when only their size is known",
    read: bytes(1, MAX_FRAME_BYTES),
  },
  "max-frame": {
    value: "SIZE",
    help: "largest frame to read",
    read: bytes(1, MAX_FRAME_BYTES),
    fallback: "16MiB",
  },
  strict: toggle("exit with 5 at the first byte that is not part of a frame, instead of going on"),
  "on-full": {
    value: "wait|drop",
    help: "when the relay accepts no more frames: wait (lose nothing), or drop (newest wins)",
    read: oneOf(["wait", "drop"]),
    fallback: "wait",
  },
  live: {
    help: "whether the source is live: its frames leave as they arrive (default: detected)",
    read: boolean,
    alone: "true",
    isNegatable: true,
  },
  takeover: toggle("take the stream over from its current publisher"),
  "give-up": {
    value: "TIME",
    help: "how long to wait at the end of the input for a relay that is unreachable",
    read: duration(0, MAX_TIMER_MS),
    fallback: "1m",
  },
} as const;

/** The command. */
export const publishCommand = command({
  name: "publish",
  needs: ["net", "read", "env"],
  summary: "send frames from standard input (or a file, or a test pattern) to a stream",
  operands: [ADDRESS],
  flags: { ...PUBLISH_FLAGS, ...PASS_FLAGS },
  hints: {
    fps: 'the relay sets the rate: use "stream fps RATE" or "stream serve --fps RATE"; ' +
      "a film is paced by its own timestamps",
    i: "use --input for a file",
    output: 'frames are written by "stream watch --output"',
  },
  examples: [
    ["ffmpeg -i video.mp4 -f mjpeg -q:v 3 - | stream publish", "anything ffmpeg can read"],
    ["stream publish --input movie.mp4 --loop", "a file without re-encoding, in a loop"],
    [
      "stream publish --input video.rgb --size 640x480 --pixel-format rgb24",
      "raw pixels from a file",
    ],
    ["stream publish --test-pattern ws://127.0.0.1:8080/test", "something to look at"],
  ],
});
