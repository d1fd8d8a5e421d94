/**
 * `stream watch`.
 *
 * @module
 */
import { ReaderGone } from "../host/host.ts";
import { Patience } from "../files/patience.ts";
import { DEFAULT_FOLDER, openSink } from "../files/sinks.ts";
import { type SinkStats, SinkWatcher } from "../files/sink_watcher.ts";
import { DEFAULT_MAX_DELAY_MS } from "../client/mod.ts";
import { ADDRESS, addressOf } from "./address.ts";
import { PASS_FLAGS, passOf } from "./pass_flags.ts";
import { command, toggle, usage } from "./command.ts";
import { countFrames, megabytes, oneDigit, type ProgressLine, showProgress } from "./progress.ts";
import { duration, fps, integer, MAX_TIMER_MS, text } from "./value.ts";

/** Longest length of a segment: a year. */
const MAX_SEGMENT_MS = 365 * 24 * 3_600_000;

/** What is waited for, in words. */
const WAITED_FOR = { relay: "the relay", publisher: "a publisher", frame: "a frame" } as const;

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
  async run({ flags, operands, host, log }) {
    const url = addressOf(operands[0], host, "--output");
    if (flags.output === "-" && host.terminals.stdout) {
      throw usage(
        watchCommand,
        "standard output is a terminal; pipe it into a program, or give another --output",
      );
    }
    const pass = await passOf(watchCommand, flags, url);
    // A named pipe opens when somebody else opens it to read.
    const patience = new Patience(host.stop);
    const sink = await patience.until(openSink({
      output: flags.output,
      segmentMs: flags.segment,
      overwrite: flags.overwrite,
      writeStdout: host.writeStdout,
      log,
    })).finally(() => patience.end());
    if (sink === "over") {
      return log.info(`wrote no frame: nobody reads ${flags.output}`, { frames: 0 });
    }
    const watcher = new SinkWatcher({
      url: url.socket,
      pass,
      count: flags.count ?? null,
      durationMs: flags.duration ?? null,
      every: flags.every,
      fps: flags.fps ?? null,
      maxDelayMs: flags["max-delay"],
      follow: flags.follow,
      clock: host.clock,
      log,
    }, sink);
    using _progress = showProgress(host, log, () => progressLine(watcher.stats()));
    let hasFailed = true;
    let end = "";
    try {
      await watcher.run(host.stop);
      hasFailed = false;
    } catch (error) {
      if (!(error instanceof ReaderGone)) throw error;
      hasFailed = false;
      end = `; ${error.message}`;
    } finally {
      const { frames, bytes, skipped, leftOut } = watcher.stats();
      const output = sink.describe();
      // What failed before the first frame is all that there is to say.
      if (!hasFailed || frames + skipped + leftOut > 0) {
        const written = frames === 0
          ? "no frame"
          : `${countFrames(frames)}, ${megabytes(bytes)} to ${output}`;
        const without = leftOut === 0 ? "" : `, ${leftOut} left out that need earlier frames`;
        log.info(
          `wrote ${written}, ${skipped} skipped${without}${end}`,
          { frames, bytes, skipped, leftOut, output },
        );
      }
    }
  },
});

function progressLine(stats: SinkStats): ProgressLine {
  const rate = oneDigit(stats.framesPerSecond);
  const latency = stats.latencyMs === null ? null : oneDigit(stats.latencyMs);
  const relay = stats.relayMs === null ? null : oneDigit(stats.relayMs);
  const waitsFor = stats.waitsFor === null ? null : WAITED_FOR[stats.waitsFor];
  const waits = waitsFor === null ? "" : `  waiting for ${waitsFor}`;
  return {
    text:
      `${countFrames(stats.frames)}  ${rate.toFixed(1)} fps  ${
        megabytes(stats.bytesPerSecond)
      }/s  ` +
      `latency ${latency ?? "?"} ms (relay ${relay ?? "?"})  skipped ${stats.skipped}${waits}`,
    fields: {
      frames: stats.frames,
      fps: rate,
      bytesPerSecond: Math.round(stats.bytesPerSecond),
      latencyMs: latency,
      relayMs: relay,
      skipped: stats.skipped,
      waitsFor,
    },
  };
}
