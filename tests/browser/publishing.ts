/**
 * Publishers in this process.
 *
 * @module
 */
import { type FrameSource, PatternSource, SplitSource } from "../../src/client/frame_source.ts";
import { Publisher } from "../../src/client/publish.ts";
import { systemClock } from "../../src/host/clock.ts";
import { silentLog } from "../../src/host/log.ts";
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

  private constructor(url: string, createSource: (publisher: Publisher) => FrameSource) {
    const publisher = new Publisher({
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
