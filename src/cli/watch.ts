/**
 * What `stream watch` does.
 *
 * @module
 */
import { ReaderGone } from "../host/host.ts";
import { Patience } from "../files/patience.ts";
import { openSink } from "../files/sinks.ts";
import { type SinkStats, SinkWatcher } from "../files/sink_watcher.ts";
import { addressOf } from "./address.ts";
import { passOf } from "./pass.ts";
import { type InputOf, usage } from "./command.ts";
import { countFrames, megabytes, oneDigit, type ProgressLine, showProgress } from "./progress.ts";
import { watchCommand } from "./watch_command.ts";

/** What is waited for, in words. */
const WAITED_FOR = { relay: "the relay", publisher: "a publisher", frame: "a frame" } as const;

/** Does the work; what fails is thrown. */
export async function run(
  { flags, operands, host, log }: InputOf<typeof watchCommand>,
): Promise<void> {
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
}

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
