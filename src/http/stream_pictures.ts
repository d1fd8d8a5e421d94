/**
 * Pictures of a stream's frames for clients over HTTP, each made once for all of them.
 *
 * @module
 */
import type { Frame, StreamConfig } from "../core/frame.ts";
import { FORMAT_FACTS, frameFormatOf } from "../core/stream_format.ts";
import type { Readiness } from "../core/viewer_feed.ts";
import { messageOf, StreamError } from "../errors.ts";
import type { Log } from "../host/log.ts";
import type { Converter } from "./converter.ts";
import { Boundary, CommonBoundary, type PartForm, partHead } from "./multipart.ts";
// @ts-types="../../types/std_bytes.d.ts"
import { concat } from "@std/bytes/concat";
import { SharedPictures } from "./shared_pictures.ts";
import { readPngSize } from "../split/png.ts";
import type { WatchedStream } from "../relay/viewer.ts";

/** Formats of pictures over HTTP. */
export type PictureFormat = "jpeg" | "png";

/** Most pixels of a picture that is converted: 4K of the cinema, which takes a second or so. */
const MAX_PIXELS = 4096 * 2304;

/** A picture, and the frame that it shows. */
export interface FramePicture {
  readonly frame: Frame;
  /** To be read at once: it is the frame's own where nothing is converted. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** The same for every picture of a frame, and for no other frame's (RFC 9110 section 8.8.3). */
  readonly tag: string;
}

/** What a picture of a frame is made from; `undefined` where none can be had. */
function sourceOf(config: StreamConfig): PictureFormat | "pixels" | undefined {
  const { width, height, pixelFormat } = config;
  const { picture } = FORMAT_FACTS[frameFormatOf(config)];
  if (picture !== "pixels") return picture ?? undefined;
  return width === null || height === null || pixelFormat === null ? undefined : "pixels";
}

/** How many pixels a frame to be converted says that it has. */
function pixelsOf({ data, config }: Frame): number {
  const size = sourceOf(config) === "png" ? readPngSize(data) : config;
  return size === undefined ? MAX_PIXELS : (size.width ?? 0) * (size.height ?? 0);
}

/** Why frames of `config` cannot be shown in `format`, and what to do; `undefined` where they can. */
export function pictureFault(
  name: string,
  config: StreamConfig,
  format: PictureFormat,
): string | undefined {
  const source = sourceOf(config);
  const what = `Cannot make a ${format.toUpperCase()} picture of "${name}"`;
  if (source === undefined && config.format === "raw") {
    return `${what}: the size and pixel format of its raw frames are unknown; ` +
      "publish with --size and --pixel-format";
  }
  if (source === undefined) {
    return `${what}: its format is ${config.format}; watch it with "stream watch" or in a browser, or publish mjpeg`;
  }
  if (source === format) return undefined;
  if (source === "jpeg") return `${what}: its pictures are JPEG; use ${name}.jpg`;
  if ((config.width ?? 0) * (config.height ?? 0) <= MAX_PIXELS) return undefined;
  return `${what}: it has ${config.width}x${config.height} pixels, ` +
    `at most ${MAX_PIXELS} are converted; publish mjpeg`;
}

/** What the pictures of all streams have in common. */
interface PicturesContext {
  readonly converter: Converter;
  readonly log: Log;
  readonly common: CommonBoundary;
  readonly tags: FrameTags;
}

/** The pictures of one stream. */
export class StreamPictures {
  readonly #stream: WatchedStream;
  readonly #conversions: Readonly<Record<PictureFormat, Conversion>>;
  /**
   * The newest frame that was asked for, as JPEG in the parts that motion JPEG is made of; none where it
   * could end a part.
   */
  #parts:
    | { readonly frame: Frame; readonly byForm: Map<PartForm, Uint8Array<ArrayBuffer> | undefined> }
    | undefined;
  readonly #common: CommonBoundary;
  readonly #tags: FrameTags;

  #viewers = 0;

  constructor(stream: WatchedStream, { converter, log, common, tags }: PicturesContext) {
    this.#stream = stream;
    this.#tags = tags;
    this.#common = common;
    this.#conversions = {
      jpeg: new Conversion(stream, "jpeg", converter, log),
      png: new Conversion(stream, "png", converter, log),
    };
  }

  /** Somebody wants parts. */
  join(): void {
    this.#viewers++;
  }

  /** Somebody wants no more parts. */
  leave(): void {
    if (--this.#viewers === 0) this.#parts = undefined;
  }

  /** Has the JPEG of a frame made, where the frame is not one. */
  prepare(frame: Frame): Readiness {
    return sourceOf(frame.config) === "jpeg" ? "ready" : this.#conversions.jpeg.prepare(frame);
  }

  /** The part for a frame that is ready, up to its boundary; `undefined` where it cannot be shown. */
  part(frame: Frame, form: PartForm): Uint8Array<ArrayBuffer> | undefined {
    const jpeg = sourceOf(frame.config) === "jpeg"
      ? frame.data
      : this.#conversions.jpeg.pictureOf(frame);
    if (jpeg === undefined) return undefined;
    if (this.#parts?.frame !== frame) this.#parts = { frame, byForm: new Map() };
    const { byForm } = this.#parts;
    if (!byForm.has(form)) {
      const isSafe = !this.#common.isIn(jpeg);
      byForm.set(
        form,
        isSafe ? concat([partHead(jpeg.length, frame.captureUs, form), jpeg]) : undefined,
      );
    }
    return byForm.get(form);
  }

  /**
   * The newest frame as one picture, at once where nothing is converted; `undefined` before the first one.
   *
   * @throws {StreamError} `failed`, where it cannot be converted
   */
  newest(format: PictureFormat): FramePicture | undefined | Promise<FramePicture | undefined> {
    const frame = this.#stream.newestKey;
    if (frame === undefined) return undefined;
    if (sourceOf(frame.config) === format) {
      return { frame, data: frame.data, tag: this.#tags.of(frame) };
    }
    return this.#converted(format);
  }

  async #converted(format: PictureFormat): Promise<FramePicture | undefined> {
    const made = await this.#conversions[format].newest();
    return made === undefined ? undefined : { ...made, tag: this.#tags.of(made.frame) };
  }
}

/** Numbers frames by which their pictures are told apart. */
class FrameTags {
  readonly #tags = new WeakMap<Frame, string>();
  #count = 0;

  of(frame: Frame): string {
    const tag = this.#tags.get(frame) ?? `"${++this.#count}"`;
    this.#tags.set(frame, tag);
    return tag;
  }
}

/** The pictures of all streams of one thread, which one converter makes. */
export class AllPictures {
  /** Those that are being sent one by one. */
  readonly shared = new SharedPictures();
  readonly #byStream = new WeakMap<WatchedStream, StreamPictures>();
  readonly #context: PicturesContext;

  constructor(converter: Converter, log: Log) {
    this.#context = { converter, log, common: new CommonBoundary(), tags: new FrameTags() };
  }

  /** A boundary for one answer. */
  boundary(): Boundary {
    return new Boundary(this.#context.common.text);
  }

  /** Pictures of a stream's frames. */
  of(stream: WatchedStream): StreamPictures {
    const existing = this.#byStream.get(stream);
    if (existing !== undefined) return existing;
    const pictures = new StreamPictures(stream, this.#context);
    this.#byStream.set(stream, pictures);
    return pictures;
  }

  /** Makes no more. */
  stop(): void {
    this.#context.converter.stop();
  }
}

/** Converts the newest frame of a stream whenever somebody asks, one at a time. */
class Conversion {
  readonly #stream: WatchedStream;
  readonly #format: PictureFormat;
  readonly #converter: Converter;
  readonly #log: Log;
  #asked: Promise<void> | undefined;
  #making: Frame | undefined;
  #made: { readonly frame: Frame; readonly data: FramePicture["data"] | StreamError } | undefined;
  #lastFault: string | undefined;

  constructor(stream: WatchedStream, format: PictureFormat, converter: Converter, log: Log) {
    this.#stream = stream;
    this.#format = format;
    this.#converter = converter;
    this.#log = log;
  }

  prepare(frame: Frame): Readiness {
    if (this.#made?.frame === frame || !this.#canMake(frame)) return "ready";
    if (this.#making === frame) return "soon";
    this.#ask();
    return "later";
  }

  pictureOf(frame: Frame): FramePicture["data"] | undefined {
    if (this.#made?.frame !== frame || this.#made.data instanceof StreamError) return undefined;
    return this.#made.data;
  }

  async newest(): Promise<Omit<FramePicture, "tag"> | undefined> {
    await this.#ask();
    if (this.#made === undefined) return undefined;
    const { frame, data } = this.#made;
    if (data instanceof StreamError) throw data;
    return { frame, data };
  }

  #canMake({ config }: Frame): boolean {
    return pictureFault(this.#stream.name, config, this.#format) === undefined;
  }

  #isWanted(frame: Frame): boolean {
    return frame !== this.#made?.frame && this.#canMake(frame);
  }

  #ask(): Promise<void> {
    return this.#asked ??= this.#convert().finally(() => {
      this.#asked = undefined;
      this.#making = undefined;
    });
  }

  async #convert(): Promise<void> {
    try {
      const { newestKey } = this.#stream;
      if (newestKey === undefined || !this.#isWanted(newestKey)) return;
      const share = { stream: this.#stream, pixels: pixelsOf(newestKey) };
      const data = await this.#converter.convert(() => {
        const frame = this.#stream.newestKey;
        if (frame === undefined || !this.#isWanted(frame)) return undefined;
        this.#making = frame;
        return {
          data: frame.data.slice(),
          config: frame.config,
          isPng: sourceOf(frame.config) === "png",
          to: this.#format,
          maxPixels: MAX_PIXELS,
        };
      }, share);
      if (data !== undefined) this.#made = { frame: this.#making!, data };
    } catch (error) {
      const fault = error instanceof StreamError
        ? error
        : new StreamError("failed", messageOf(error));
      // Without a thread, none has begun.
      const frame = this.#making ?? this.#stream.newestKey;
      if (frame !== undefined) this.#made = { frame, data: fault };
      this.#warn(fault.message);
    }
  }

  #warn(fault: string): void {
    if (fault === this.#lastFault) return;
    this.#lastFault = fault;
    this.#log.warn(`"${this.#stream.name}" has frames that cannot be shown as pictures: ${fault}`, {
      stream: this.#stream.name,
    });
  }
}
