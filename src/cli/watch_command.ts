/**
 * What `stream watch` is called with, and says of itself.
 *
 * @module
 */
import { DEFAULT_FOLDER } from "../files/choices.ts";
import { DEFAULT_MAX_DELAY_MS } from "../client/mod.ts";
import { ADDRESS } from "./address.ts";
import { PASS_FLAGS } from "./pass_flags.ts";
import { command, toggle } from "./command.ts";
import { duration, fps, integer, MAX_TIMER_MS, text } from "./value.ts";

/** Longest length of a segment: a year. */
const MAX_SEGMENT_MS = 365 * 24 * 3_600_000;

/** The command. */
export const watchCommand = command({
  name: "watch",
  needs: ["net", "read", "write", "env"],
  summary: "write the frames of a stream to files or standard output",
  operands: [ADDRESS],
  flags: {
    output: {
      value: "WHERE",
      help:
        `a pattern with %d, a folder, a file (also .mp4, .mkv, .webm, .ivf), or - (default: the ` +
        `folder ${DEFAULT_FOLDER})`,
      read: text,
      alias: "o",
    },
    segment: {
      value: "TIME",
      help: "start a new file at the first key frame after this time: rec-%03d.mp4",
      read: duration(1, MAX_SEGMENT_MS),
    },
    count: { value: "N", help: "stop after N frames", read: integer(1, 1e15) },
    duration: { value: "TIME", help: "stop after this time", read: duration(1, MAX_TIMER_MS) },
    every: {
      value: "N",
      help: "write only every N-th frame, for formats without delta frames",
      read: integer(1, 1e9),
      fallback: "1",
    },
    fps: {
      value: "N",
      help: "ask the relay for at most this many frames per second",
      read: fps,
      // STREAM_FPS is the rate of a relay, which is often set where its viewers run too.
      env: "STREAM_WATCH_FPS",
    },
    "max-delay": {
      value: "TIME",
      help: "skip frames rather than fall further behind than this",
      read: duration(1, 60_000),
      fallback: `${DEFAULT_MAX_DELAY_MS}ms`,
    },
    follow: toggle("when a publisher ends the stream, wait for the next one"),
    overwrite: toggle("replace existing files"),
    ...PASS_FLAGS,
  },
  hints: {
    input: 'frames are read by "stream publish --input"',
    i: "give the stream's address as an argument: stream watch URL",
  },
  examples: [
    ["stream watch", `each frame to a file: ${DEFAULT_FOLDER}/000001.jpg, …`],
    ["stream watch --output shot-%03d.png --count 10", "ten pictures"],
    ["stream watch --output rec-%03d.mkv --segment 10m", "a recording in files of ten minutes"],
    ["stream watch --output - | ffplay -f mjpeg -", "a live window"],
  ],
});
