/**
 * What `stream publish` does.
 *
 * @module
 */
import { PATTERN_FORMATS } from "../files/choices.ts";
import { DamageReport } from "../files/damage_report.ts";
import { openFileSource } from "../files/file_source.ts";
import { Patience } from "../files/patience.ts";
import type { FilmDamagePolicy } from "../files/film_source.ts";
import {
  type DamagePolicy,
  type FrameSource,
  PatternSource,
  SplitSource,
} from "../files/frame_source.ts";
import { describeGone, SourcePublisher, type SourceStats } from "../files/source_publisher.ts";
import type { Host } from "../host/host.ts";
import { CONTAINERS } from "../media/containers.ts";
import { createInputSplitter } from "../media/input_splitter.ts";
import { STANDARD_INPUT } from "../media/messages.ts";
import type { Splitter } from "../split/splitter.ts";
import { addressOf } from "./address.ts";
import { passOf } from "./pass.ts";
import { type InputOf, usage, type Values } from "./command.ts";
import { countFrames, megabytes, oneDigit, type ProgressLine, showProgress } from "./progress.ts";
import { type PUBLISH_FLAGS, publishCommand } from "./publish_command.ts";

/** How far behind a source must be before that is worth a sentence, in milliseconds. */
const BEHIND_MS = 300;
/** Names of standard input. */
const STDIN: readonly string[] = ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];
/** Formats of a file of which the video is read at any place. */
const MEDIA_FORMATS: readonly string[] = ["auto", ...CONTAINERS];
/** Does the work; what fails is thrown. */
export async function run(
  { flags, operands, host, log }: InputOf<typeof publishCommand>,
): Promise<void> {
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
        `published ${countFrames(frames)}, ${megabytes(sent)} in ${seconds} s, ${dropped} dropped` +
          (notDelivered > 0 ? `, ${notDelivered} not delivered` : "") +
          (damaged() > 0 ? `, ${damaged()} damaged` : ""),
        { frames, bytes: sent, seconds, dropped, notDelivered, damaged: damaged() },
      );
    }
  }
}

async function openSource(
  given: Values<typeof PUBLISH_FLAGS>,
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

function describesRaw(flags: Values<typeof PUBLISH_FLAGS>): boolean {
  return flags.size !== undefined || flags["pixel-format"] !== undefined ||
    flags["frame-size"] !== undefined;
}

function openSplitter(
  flags: Values<typeof PUBLISH_FLAGS>,
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
