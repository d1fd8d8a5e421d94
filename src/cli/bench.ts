/**
 * What `stream bench` does.
 *
 * @module
 */
import { describeReport } from "../bench/describe.ts";
import { runLoad } from "../bench/load.ts";
import type { ServeOptions } from "../server/serve.ts";
import { addressOf } from "./address.ts";
import { benchCommand } from "./bench_command.ts";
import { passNow } from "./pass.ts";
import { type InputOf, readLine, usage } from "./command.ts";
import { serveOptions } from "./serve.ts";
import { serveCommand } from "./serve_command.ts";

/** Does the work; what fails is thrown. */
export async function run(
  { flags, operands, host, log }: InputOf<typeof benchCommand>,
): Promise<void> {
  const { viewers, stalled, slow } = flags;
  if (stalled + slow > viewers) {
    throw usage(benchCommand, "--stalled and --slow together must not exceed --viewers");
  }
  // What others watch is not loaded because a variable names it.
  const isGiven = operands[0] !== undefined;
  if (flags["viewers-only"] && !isGiven) {
    throw usage(benchCommand, "--viewers-only needs the URL of a stream that somebody publishes");
  }
  if (flags["viewers-only"] && flags["join-fps"] !== undefined) {
    throw usage(
      benchCommand,
      "--join-fps is for frames that bench publishes; leave out --viewers-only",
    );
  }
  const url = isGiven ? addressOf(operands[0], host) : undefined;
  const { report, bottleneck } = await runLoad({
    url: url?.socket,
    pass: url === undefined ? {} : await passNow(benchCommand, flags, url),
    ownRelay: ownRelay(viewers, flags.size),
    viewers,
    stalled,
    slow,
    frameBytes: flags.size,
    fps: flags.fps,
    joinFps: flags["join-fps"] ?? flags.fps,
    publishes: !flags["viewers-only"],
    isBare: flags.bare,
    durationMs: flags.duration,
    workers: flags.workers,
  }, { clock: host.clock, log, signal: host.stop });
  const text = flags.json ? JSON.stringify(report, undefined, 2) : describeReport(report);
  await host.writeStdout(new TextEncoder().encode(`${text}\n`));
  if (bottleneck !== undefined) {
    log.warn(
      `the figures do not show the relay alone: ${bottleneck}; try --workers ` +
        `${flags.workers + 1}, fewer viewers, or a machine with more cores and nothing else to do`,
    );
  }
}

/** `serve`'s defaults on a free port, without a tick, and with room for the load. */
function ownRelay(viewers: number, frameBytes: number): ServeOptions {
  const line = ["--port", "0", "--fps", "source"];
  const defaults = serveOptions(readLine(serveCommand, line, () => undefined).flags);
  const maxFrameBytes = Math.max(defaults.maxFrameBytes, frameBytes);
  return { ...defaults, maxFrameBytes, maxViewers: Math.max(defaults.maxViewers, viewers) };
}
