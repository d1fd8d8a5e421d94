/**
 * What `stream demo` does.
 *
 * @module
 */
import { PatternSource } from "../files/frame_source.ts";
import { SourcePublisher } from "../files/source_publisher.ts";
import { DEFAULT_NAME, listStreams } from "../client/mod.ts";
import { DEFAULT_PATTERN_SIZE } from "../picture/test_pattern.ts";
import { serve } from "../server/mod.ts";
import { demandChoice } from "./access_choice.ts";
import type { InputOf } from "./command.ts";
import { demoCommand } from "./demo_command.ts";
import { countFrames, megabytes, oneDigit, showProgress } from "./progress.ts";
import { listening, serveOptions } from "./serve.ts";

/** Does the work; what fails is thrown. */
export async function run(
  { flags, host, log }: InputOf<typeof demoCommand>,
): Promise<void> {
  demandChoice(demoCommand, flags.host, undefined, flags.open);
  const timeUp = new AbortController();
  const stop = AbortSignal.any([host.stop, timeUp.signal]);
  // It stops when it is disposed of, once the publisher has ended the stream.
  await using relay = await serve({
    ...serveOptions(flags),
    open: flags.open,
    clock: host.clock,
    isolateThreads: true,
  });
  const timer = flags.duration === undefined
    ? undefined
    : setTimeout(() => timeUp.abort(), flags.duration);
  const local = relay.address.replace("//0.0.0.0:", "//127.0.0.1:").replace(
    "//[::]:",
    "//[::1]:",
  );
  const url = `${local.replace("http:", "ws:")}/${DEFAULT_NAME}`;
  const publisher = new SourcePublisher({
    url,
    takeover: false,
    onFull: "wait",
    clock: host.clock,
    log,
  });
  const source = new PatternSource({
    ...DEFAULT_PATTERN_SIZE,
    format: "png",
    fps: () => publisher.fps,
    clock: host.clock,
  });
  log.info(...listening(relay));
  for (const line of introduction(local, url).split("\n")) log.info(line);
  let viewers = 0;
  using _progress = showProgress(host, log, () => {
    const { frames, framesPerSecond, bytesPerSecond } = publisher.stats();
    listStreams(local, { signal: stop }).then(
      (streams) => viewers = streams.find(({ name }) => name === DEFAULT_NAME)?.viewers ?? 0,
      // The relay stops.
      () => {},
    );
    const fps = oneDigit(framesPerSecond);
    return {
      text: `${countFrames(frames)}  ${fps.toFixed(1)} fps  ${megabytes(bytesPerSecond)}/s  ` +
        `viewers ${viewers}`,
      fields: { frames, fps, bytesPerSecond: Math.round(bytesPerSecond), viewers },
    };
  });
  try {
    await publisher.run(source, stop);
  } finally {
    clearTimeout(timer);
    const { frames, bytes } = publisher.stats();
    log.info(`relayed ${countFrames(frames)}, ${megabytes(bytes)}`, { frames, bytes });
  }
}

function introduction(address: string, url: string): string {
  return `
A test pattern goes through the relay, as ${url}.

    open ${address}/${DEFAULT_NAME} in a browser   the picture and its numbers
    open ${address}/ in a browser       all streams

What to try next, in another terminal (\`stream\` is this program):

    stream watch ${url} --count 30           30 frames to files: frames/000001.png, …
    stream watch ${url} -o - | ffplay -f image2pipe -      a live window
    stream fps ${url} 10                     change the frame rate while it runs
    ffmpeg -i video.mp4 -f mjpeg - | stream publish ${url.replace(/live$/, "mine")}
    curl ${address}/${DEFAULT_NAME}.jpg -o now.jpg       one picture; .mjpeg for all
    curl ${address}/api/streams/${DEFAULT_NAME}          its numbers, as JSON
`;
}
