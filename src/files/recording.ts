/**
 * Files that a recording can be, by their names.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { FORMAT_FACTS, STREAM_FORMATS, type StreamFormat } from "../core/stream_format.ts";
import { StreamError } from "../errors.ts";
import { IvfWriter } from "../media/ivf_writer.ts";
import { MATROSKA_FORMATS, MatroskaWriter, WEBM_FORMATS } from "../media/matroska_writer.ts";
import { type MediaWriter, NOTHING, type Output, type TimedFrame } from "../media/media_writer.ts";
import { MP4_FORMATS } from "../media/movie_boxes.ts";
import { Mp4Writer } from "../media/mp4_writer.ts";
import { isSameVideo, type Track, trackOf } from "../media/track.ts";
import { IVF_FORMATS } from "../split/ivf_header.ts";
import { FrameRun } from "./output.ts";

/** A frame of a recording. */
export interface RecordingFrame extends TimedFrame {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly config: StreamConfig;
}

/** Makes the bytes of one file of a recording. */
export interface Recording {
  /**
   * The bytes of a frame.
   *
   * @throws {StreamError} (`failed`) when the file cannot hold it
   */
  write(frame: RecordingFrame): Output;
  finish(): Output;
}

/** A kind of file that has times, sizes and an index of its own. */
interface Container {
  /** Formats that it can hold. */
  readonly formats: readonly StreamFormat[];
  readonly open: (track: Track) => MediaWriter;
}

const MP4: Container = { formats: MP4_FORMATS, open: (track) => new Mp4Writer(track) };
const CONTAINERS: Readonly<Record<string, Container>> = {
  mp4: MP4,
  m4v: MP4,
  mov: MP4,
  mkv: { formats: MATROSKA_FORMATS, open: (track) => new MatroskaWriter(track, "matroska") },
  webm: { formats: WEBM_FORMATS, open: (track) => new MatroskaWriter(track, "webm") },
  ivf: { formats: IVF_FORMATS, open: (track) => new IvfWriter(track) },
};

/** The only format of which a file with this extension is a run of frames, if it is one. */
function runFormatOf(extension: string): StreamFormat | undefined {
  return STREAM_FORMATS.find((format) => FORMAT_FACTS[format].runExtensions.includes(extension));
}

/** The extensions, without a point, that a stream of `format` can be recorded under. */
function extensionsFor(format: StreamFormat): string[] {
  const containers = ["mkv", "mp4", "webm", "ivf"].filter((extension) =>
    CONTAINERS[extension]!.formats.includes(format)
  );
  return [...containers, ...FORMAT_FACTS[format].runExtensions.slice(0, 1)];
}

function extensionOf(name: string): string {
  return /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
}

/** Whether a file of this name has times, sizes and an index of its own. */
export function isContainer(name: string): boolean {
  return Object.hasOwn(CONTAINERS, extensionOf(name));
}

/** Begins the file called `name`. */
export function openRecording(name: string): Recording {
  const extension = extensionOf(name);
  const container = Object.hasOwn(CONTAINERS, extension) ? CONTAINERS[extension]! : undefined;
  return container === undefined
    ? new RunRecording(name, runFormatOf(extension))
    : new ContainerRecording(name, container);
}

/** A run of frames in their own format. */
class RunRecording implements Recording {
  readonly #name: string;
  readonly #only: StreamFormat | undefined;
  readonly #run: FrameRun;

  constructor(name: string, only: StreamFormat | undefined) {
    this.#name = name;
    this.#only = only;
    this.#run = new FrameRun(name);
  }

  write({ data, config }: RecordingFrame): Output {
    if (this.#only !== undefined && this.#only !== config.format) {
      throw formatError(this.#name, config);
    }
    return { append: [this.#run.next(data, config)], patches: [] };
  }

  finish(): Output {
    return NOTHING;
  }
}

/** A file of one configuration. */
class ContainerRecording implements Recording {
  readonly #name: string;
  readonly #container: Container;
  #opened: { readonly writer: MediaWriter; readonly config: StreamConfig } | undefined;

  constructor(name: string, container: Container) {
    this.#name = name;
    this.#container = container;
  }

  write(frame: RecordingFrame): Output {
    this.#opened ??= this.#open(frame);
    const { writer, config } = this.#opened;
    if (!isSameVideo(config, frame.config)) {
      throw new StreamError(
        "failed",
        `Cannot continue ${this.#name}: the stream changed from ${describe(config)} to ` +
          `${describe(frame.config)}; use --segment TIME, which starts a new file at a change`,
      );
    }
    return writer.write(frame);
  }

  finish(): Output {
    return this.#opened?.writer.finish() ?? NOTHING;
  }

  #open({ config, data }: RecordingFrame) {
    if (!this.#container.formats.includes(config.format)) throw formatError(this.#name, config);
    const track = trackOf(config, data);
    if (track === undefined) {
      throw new StreamError(
        "failed",
        `Cannot write ${this.#name}: the stream's first key frame does not say how to decode it; ` +
          `use a name that ends in .${config.format}`,
      );
    }
    return { writer: this.#container.open(track), config };
  }
}

function formatError(name: string, { format }: StreamConfig): StreamError {
  const fitting = extensionsFor(format).map((extension) => `.${extension}`);
  const advice = fitting.length === 0
    ? "write each frame to its own file, or convert with ffmpeg"
    : `use a name that ends in ${fitting.join(" or ")}`;
  return new StreamError(
    "failed",
    `Cannot write ${name}: it cannot hold the stream's format, ${format}; ${advice}`,
  );
}

function describe({ format, codec, width, height }: StreamConfig): string {
  const size = width === null ? "" : ` ${width}x${height}`;
  return `${format}${size}${codec === null || codec === format ? "" : ` (${codec})`}`;
}
