/**
 * `stream publish`.
 *
 * @module
 */
import { DamageReport } from "../files/damage_report.ts";
import { openFileSource, PACES } from "../files/file_source.ts";
import { Patience } from "../files/patience.ts";
import type { FilmDamagePolicy } from "../files/film_source.ts";
import {
  type DamagePolicy,
  type FrameSource,
  PATTERN_FORMATS,
  PatternSource,
  SplitSource,
} from "../files/frame_source.ts";
import { describeGone, SourcePublisher, type SourceStats } from "../files/source_publisher.ts";
import type { Host } from "../host/host.ts";
import { CONTAINERS, createInputSplitter } from "../media/input_splitter.ts";
import { STANDARD_INPUT } from "../media/messages.ts";
import { DEFAULT_PATTERN_SIZE, MAX_PATTERN_SIDE } from "../picture/test_pattern.ts";
import { INPUT_FORMATS } from "../split/detect.ts";
import type { Splitter } from "../split/splitter.ts";
import { ADDRESS, addressOf } from "./address.ts";
import { PASS_FLAGS, passOf } from "./pass_flags.ts";
import { command, toggle, usage, type Values } from "./command.ts";
import { countFrames, megabytes, oneDigit, type ProgressLine, showProgress } from "./progress.ts";
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

/** How far behind a source must be before that is worth a sentence, in milliseconds. */
const BEHIND_MS = 300;
const MAX_SIDE = 65_535;
/** Names of standard input. */
const STDIN: readonly string[] = ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];
/** Formats of a file of which the video is read at any place. */
const MEDIA_FORMATS: readonly string[] = ["auto", ...CONTAINERS];
const PATTERN_SIZE = `${DEFAULT_PATTERN_SIZE.width}x${DEFAULT_PATTERN_SIZE.height}`;

const FLAGS = {
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
  flags: { ...FLAGS, ...PASS_FLAGS },
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
  async run({ flags, operands, host, log }) {
    const url = addressOf(operands[0], host, "--input");
    const pass = await passOf(publishCommand, flags, url);
    const publisher = new SourcePublisher({
      url: url.socket,
      ...pass,
      takeover: flags.takeover,
      onFull: flags["on-full"],
      live: flags.live ?? null,
      giveUpMs: flags["give-up"],
      clock: host.clock,
      log,
    });
    const startMs = host.clock.nowMs();
    const report = new DamageReport({ log, clock: host.clock });
    const onNote = (sentence: string) => log.warn(sentence);
    // A named pipe opens when somebody else opens it to write.
    const patience = new Patience(host.stop);
    const source = await patience.until(openSource(flags, { host, publisher, report, onNote }))
      .finally(() => patience.end());
    if (source === "over") {
      return log.info(`published no frame: nothing can be read of ${flags.input} yet`, {
        frames: 0,
      });
    }
    const damaged = () => source.damaged ?? 0;
    using _progress = showProgress(host, log, () => progressLine(publisher.stats(), damaged()));
    let hasFailed = true;
    try {
      await publisher.run(source, host.stop);
      hasFailed = false;
    } finally {
      const { frames, bytes: sent, dropped, notDelivered } = publisher.stats();
      const seconds = oneDigit((host.clock.nowMs() - startMs) / 1000);
      // What failed before the first frame is all that there is to say.
      const isSilent = hasFailed && frames + dropped + notDelivered + damaged() === 0;
      if (!isSilent) {
        log.info(
          `published ${countFrames(frames)}, ${
            megabytes(sent)
          } in ${seconds} s, ${dropped} dropped` +
            (notDelivered > 0 ? `, ${notDelivered} not delivered` : "") +
            (damaged() > 0 ? `, ${damaged()} damaged` : ""),
          { frames, bytes: sent, seconds, dropped, notDelivered, damaged: damaged() },
        );
      }
    }
  },
});

async function openSource(
  given: Values<typeof FLAGS>,
  { host, publisher, report, onNote }: {
    readonly host: Host;
    readonly publisher: SourcePublisher;
    readonly report: DamageReport;
    readonly onNote: (sentence: string) => void;
  },
): Promise<FrameSource> {
  const isStdin = given.input !== undefined && STDIN.includes(given.input);
  const flags = isStdin ? { ...given, input: undefined } : given;
  const pattern = flags["test-pattern"];
  if (flags.loop && flags.input === undefined) {
    throw usage(publishCommand, "--loop repeats a file; give --input FILE");
  }
  if (flags.pace === "relay" && flags.input === undefined) {
    throw usage(publishCommand, "--pace is for files; give --input FILE, or leave out --pace");
  }
  if (pattern !== undefined) {
    if (flags.input !== undefined) {
      throw usage(publishCommand, "--test-pattern and --input cannot be used together");
    }
    const format = flags.format === "auto" ? "png" : flags.format;
    if (format !== "png" && format !== "raw") {
      throw usage(
        publishCommand,
        `--test-pattern produces ${PATTERN_FORMATS.join(" or ")}, not ${format}`,
      );
    }
    return new PatternSource({
      ...pattern,
      format,
      fps: () => publisher.fps,
      clock: host.clock,
    });
  }
  const splitter = openSplitter(flags, onNote);
  const damage: DamagePolicy & FilmDamagePolicy = {
    isStrict: flags.strict,
    onDamage: (fault, runs) => report.add(fault, runs),
    onFilmDamage: (sentence, runs) => report.addToFilm(sentence, runs),
  };
  if (flags.input !== undefined) {
    return await openFileSource({
      path: flags.input,
      maxFrameBytes: flags["max-frame"],
      createSplitter: () => openSplitter(flags, onNote),
      mayBeMedia: MEDIA_FORMATS.includes(flags.format) && !describesRaw(flags),
      pace: flags.pace,
      isLooped: flags.loop,
      clock: host.clock,
      damage,
      onNote,
    });
  }
  if (host.terminals.stdin) {
    throw usage(
      publishCommand,
      "standard input is a terminal; pipe frames into it, or give --input FILE or --test-pattern",
    );
  }
  return new SplitSource(host.stdin(), splitter, STANDARD_INPUT, damage);
}

function describesRaw(flags: Values<typeof FLAGS>): boolean {
  return flags.size !== undefined || flags["pixel-format"] !== undefined ||
    flags["frame-size"] !== undefined;
}

function openSplitter(
  flags: Values<typeof FLAGS>,
  onNote: (sentence: string) => void,
): Splitter {
  const { size } = flags;
  const format = flags.format;
  const maxFrameBytes = flags["max-frame"];
  const frameBytes = flags["frame-size"];
  const name = flags["pixel-format"];
  if (format !== "raw" && !(format === "auto" && describesRaw(flags))) {
    if (describesRaw(flags)) {
      throw usage(
        publishCommand,
        `--size, --pixel-format and --frame-size describe raw frames, not ${format}`,
      );
    }
    const name = flags.input ?? STANDARD_INPUT;
    return createInputSplitter({ format, maxFrameBytes, resyncs: !flags.strict, name, onNote });
  }
  if (frameBytes !== undefined) {
    if (size !== undefined || name !== undefined) {
      throw usage(publishCommand, "--frame-size cannot be used with --size and --pixel-format");
    }
    return createInputSplitter({ format: "raw", maxFrameBytes, frameBytes });
  }
  if (size === undefined || name === undefined) {
    throw usage(
      publishCommand,
      "raw frames need --size WxH and --pixel-format NAME (640x480, rgb24), or --frame-size BYTES",
    );
  }
  return createInputSplitter({ format: "raw", maxFrameBytes, ...size, pixelFormat: name });
}

function progressLine(stats: SourceStats, damaged: number): ProgressLine {
  const fps = oneDigit(stats.framesPerSecond);
  const behind = stats.behindMs >= BEHIND_MS
    ? `  ${(stats.behindMs / 1000).toFixed(1)} s behind the source`
    : "";
  const now = stats.goneMs > 0
    ? describeGone(stats)
    : `${fps.toFixed(1)} fps  ${megabytes(stats.bytesPerSecond)}/s  queue ${stats.queue}${behind}`;
  return {
    text: `${countFrames(stats.frames)}  ${now}  dropped ${stats.dropped}  ` +
      `undelivered ${stats.undelivered}`,
    fields: {
      frames: stats.frames,
      fps,
      bytesPerSecond: Math.round(stats.bytesPerSecond),
      queue: stats.queue,
      behindMs: Math.round(stats.behindMs),
      dropped: stats.dropped,
      undelivered: stats.undelivered,
      notDelivered: stats.notDelivered,
      goneMs: Math.round(stats.goneMs),
      damaged,
    },
  };
}
