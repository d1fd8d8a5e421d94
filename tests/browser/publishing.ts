/**
 * Publishers in this process.
 *
 * @module
 */
import { type FrameSource, PatternSource, SplitSource } from "../../src/files/frame_source.ts";
import { SourcePublisher } from "../../src/files/source_publisher.ts";
import { systemClock } from "../../src/host/clock.ts";
import { silentLog } from "../../src/host/log.ts";
import { createInputSplitter } from "../../src/media/input_splitter.ts";
import { TestPattern } from "../../src/picture/test_pattern.ts";
import { createSplitter, type CreateSplitterOptions } from "../../src/split/create.ts";

/** Largest frame in bytes that a test publishes. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024;

/** What is published, without the limit that all share. */
export type Input = CreateSplitterOptions extends infer Options
  ? Options extends unknown ? Omit<Options, "maxFrameBytes"> : never
  : never;

/** A publisher that goes on until it is disposed of; then it ends its stream. */
export class Publishing implements AsyncDisposable {
  readonly #over = new AbortController();
  readonly #done: Promise<void>;

  private constructor(url: string, createSource: (publisher: SourcePublisher) => FrameSource) {
    const publisher = new SourcePublisher({
      url,
      takeover: false,
      onFull: "drop",
      clock: systemClock,
      log: silentLog,
    });
    this.#done = publisher.run(createSource(publisher), this.#over.signal);
  }

  /** Publishes what `bytes` hold, and stays. */
  static still(url: string, bytes: Uint8Array, input: Input): Publishing {
    const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => controller.enqueue(new Uint8Array(bytes)),
    });
    const splitter = createSplitter(
      { ...input, maxFrameBytes: MAX_FRAME_BYTES } as CreateSplitterOptions,
    );
    return new Publishing(url, () => new SplitSource(stream, splitter, "the test’s bytes"));
  }

  /** Publishes the test pattern. */
  static pattern(
    url: string,
    options: { width: number; height: number; format: "png" | "raw" },
  ): Publishing {
    return new Publishing(
      url,
      (publisher) =>
        new PatternSource({ ...options, fps: () => publisher.fps, clock: systemClock }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#done;
  }
}

/** What ffmpeg is told so that it encodes at once, with a key frame each `gop` frames. */
const ENCODERS = {
  h264: (gop: number) => [
    ...["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-x264-params"],
    `keyint=${gop}:min-keyint=${gop}:scenecut=0:aud=1:sliced-threads=0`,
  ],
  /** With pictures that are shown in another order than they come, and so with times. */
  reordered: (gop: number) => [
    ...["-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-x264-params"],
    `keyint=${gop}:min-keyint=${gop}:scenecut=0:b-adapt=0:rc-lookahead=0:sync-lookahead=0`,
    ...["-muxdelay", "0", "-muxpreload", "0"],
  ],
  vp9: (gop: number) => [
    ...["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0"],
    ...["-b:v", "2M", "-qmax", "24", "-g", String(gop)],
  ],
  av1: (gop: number) => [
    ...["-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-lag-in-frames", "0"],
    ...["-b:v", "2M", "-qmax", "12", "-g", String(gop)],
  ],
};

const MUXERS = { h264: "h264", reordered: "mpegts", vp9: "ivf", av1: "ivf" } as const;

/** The test pattern as video by ffmpeg, at 30 frames a second, until it is disposed of. */
export class CodedPattern implements AsyncDisposable {
  readonly #encoder: Deno.ChildProcess;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #done: Promise<void>;

  constructor(
    url: string,
    { width, height, gop, format = "h264" }: {
      width: number;
      height: number;
      gop: number;
      /** @default {"h264"} */
      format?: keyof typeof ENCODERS;
    },
  ) {
    const muxer = MUXERS[format];
    this.#encoder = new Deno.Command("ffmpeg", {
      args: [
        ...["-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-r", "30"],
        ...["-probesize", "32", "-s", `${width}x${height}`, "-i", "-"],
        ...ENCODERS[format](gop),
        ...["-threads", "1", "-pix_fmt", "yuv420p"],
        ...["-flush_packets", "1", "-f", muxer, "-"],
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const input = this.#encoder.stdin.getWriter();
    const pattern = new TestPattern({ width, height });
    let frame = 0;
    this.#timer = setInterval(() => {
      input.write(pattern.render({ frame: frame++, wallMs: Date.now() })).catch(() => {});
    }, 1000 / 30);
    const publisher = new SourcePublisher({
      url,
      takeover: false,
      onFull: "drop",
      clock: systemClock,
      log: silentLog,
    });
    const splitter = createInputSplitter({ format: muxer, maxFrameBytes: MAX_FRAME_BYTES });
    const source = new SplitSource(this.#encoder.stdout, splitter, "the encoder");
    this.#done = publisher.run(source, new AbortController().signal).then(() => input.abort())
      .catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#encoder.kill("SIGKILL");
    await this.#encoder.status;
    await this.#done;
  }
}
