/**
 * IVF files of VP8, VP9 or AV1, as `ffmpeg -f ivf` writes them.
 *
 * @module
 */
import { withHeadroom } from "../bytes/headroom.ts";
import { BytePattern, PatternSearch } from "../bytes/search.ts";
import { hex } from "../bytes/text.ts";
import { bareConfig, type StreamConfig } from "../core/frame.ts";
import { Av1Reader } from "./av1.ts";
import { videoConfig } from "./config.ts";
import { FrameInput } from "./frame_input.ts";
import {
  IVF_FRAME_HEADER_BYTES,
  IVF_HEADER_BYTES,
  IVF_SIGNATURE,
  type IvfFormat,
  type IvfHeader,
  ivfPtsUs,
  MAX_IVF_HEADER_BYTES,
  parseIvfHeader,
} from "./ivf_header.ts";
import type { KeyFrame, MissingBytes } from "./key_frame.ts";
import { IvfFrameTimes, uint32 } from "./ivf_times.ts";
import { frameEnd, type FrameFinder } from "./resync.ts";
import type { SplitFrame, SplitterOptions } from "./splitter.ts";
import { readVp8KeyFrame } from "./vp8.ts";
import { readVp9KeyFrame } from "./vp9.ts";

const SIGNATURE = new BytePattern(IVF_SIGNATURE);

/** Makes a key frame of a frame, or nothing where it is none. */
type KeyFrameReader = (frame: Uint8Array) => KeyFrame | undefined;

const READERS: Readonly<Record<IvfFormat, (header: IvfHeader) => KeyFrameReader>> = {
  vp8: () => readVp8KeyFrame,
  vp9: ({ frameRate }) => (frame) => readVp9KeyFrame(frame, frameRate),
  av1: () => {
    const reader = new Av1Reader();
    return (unit) => reader.read(unit);
  },
};

/** What is known of the stream so far. */
interface IvfStream {
  readonly header: IvfHeader;
  readonly readKeyFrame: KeyFrameReader;
  config: StreamConfig;
  /** What is added to the times of its frames, in microseconds. */
  readonly startUs: number;
}

/** What a frame's header says. */
interface FrameHeader {
  readonly size: number;
  /** The time in units, its lower 32 bits and its higher ones. */
  readonly low: number;
  readonly high: number;
}

/**
 * Splits an IVF file into its frames, which are without their headers.
 *
 * The frames' sizes alone tell where they end. A frame whose own header is broken is a delta frame:
 * a decoder may make something of it, but nobody can begin there. Frames of no bytes, which stand
 * for a picture that the encoder left out, are left out here too, and counted.
 *
 * Where it resynchronises, another file's header may stand between two frames: the writer has begun
 * again. The times go on. A frame's header is then known by its time, which follows that of the
 * frame before; one whose time does not must have another behind it. A frame that lacks its last
 * bytes, fewer than `MIN_PART_BYTES`, is not told from a whole one.
 */
export class IvfSplitter implements FrameFinder {
  readonly input: FrameInput;
  #stream: IvfStream | undefined;
  #times = new IvfFrameTimes();
  #lastPtsUs: number | null = null;
  #stepUs = 0;
  #passed = 0;
  #isIdle = false;
  readonly #files = new PatternSearch(SIGNATURE);
  /** Whether the frame here was searched for, so that it must have another behind it. */
  #isFound = false;
  #damaged = 0;

  constructor(options: SplitterOptions) {
    this.input = new FrameInput(options);
  }

  get passed(): number {
    return this.#passed;
  }

  findStart(from: number): number {
    const { bytes, offset } = this.input;
    const file = this.#files.find(bytes, { offset, from });
    if (this.#stream === undefined) return file;
    return this.#times.findHeader(bytes, from, file, this.input.maxFrameBytes);
  }

  restart(): void {
    this.#isFound = true;
  }

  get damaged(): number {
    return this.#damaged;
  }

  push(chunk: Uint8Array): void {
    this.input.push(chunk);
    this.#isIdle = false;
  }

  idle(): void {
    this.#isIdle = true;
  }

  end(): void {
    this.input.end();
  }

  next(): SplitFrame | undefined {
    const { input } = this;
    for (;;) {
      this.#passed = 0;
      let { bytes } = input;
      while (this.#isAtFile(bytes)) {
        const stream = this.#readHeader();
        if (stream === undefined) return undefined;
        this.#stream = stream;
        ({ bytes } = input);
      }
      const stream = this.#stream!;
      const frame = this.#readFrameHeader(bytes);
      if (frame === undefined) return undefined;
      if (frame.size > 0) return this.#readFrame(frame, stream, bytes);
      this.#leaveOut(frame);
    }
  }

  #readFrame(
    frame: FrameHeader,
    stream: IvfStream,
    bytes: Uint8Array,
  ): SplitFrame | undefined {
    const { input } = this;
    const { size } = frame;
    const end = IVF_FRAME_HEADER_BYTES + size;
    const times = this.#times.after(frame);
    if (bytes.length < end || (input.resyncs && !this.#isWhole(frame, times, bytes))) {
      return input.lack(`a frame of ${size} bytes`, { headerBytes: IVF_FRAME_HEADER_BYTES });
    }
    const keyFrame = stream.readKeyFrame(bytes.subarray(IVF_FRAME_HEADER_BYTES, end));
    input.checkFrameBytes(size + (keyFrame?.missing?.bytes.length ?? 0));
    this.#times = times;
    const ptsUs = this.#ptsOf(frame, stream);
    input.skip(IVF_FRAME_HEADER_BYTES);
    const data = input.take(size);
    this.#isFound = false;
    if (keyFrame === undefined) {
      return { data, kind: "delta", ptsUs, config: stream.config };
    }
    const { codec, width, height, missing } = keyFrame;
    const { format, frameRate } = stream.header;
    const config = videoConfig(stream.config, format, { codec, width, height, frameRate });
    stream.config = config;
    return { data: withMissing(data, missing), kind: "key", configuration: true, ptsUs, config };
  }

  /** Whether a file begins here, or may once more bytes have come. */
  #isAtFile(bytes: Uint8Array): boolean {
    if (this.#stream === undefined) return true;
    if (!this.input.resyncs || bytes.length === 0) return false;
    return SIGNATURE.match(bytes) !== "no";
  }

  /** Whether the frame here is whole, and a frame; false where that cannot be told yet. */
  #isWhole(frame: FrameHeader, times: IvfFrameTimes, bytes: Uint8Array): boolean {
    const { input } = this;
    const length = IVF_FRAME_HEADER_BYTES + frame.size;
    const behind = this.#behind(length, times, bytes);
    if (!(this.#isFound ? this.#times.isNext(frame) : this.#times.isLikely(frame))) {
      if (behind === "unknown") return false;
      if (behind === "other") {
        this.#passed = 1;
        input.fail({
          at: length,
          expected: "the header of another frame, with a time that fits",
          found: hex(bytes.subarray(length)),
        });
      }
    }
    if (behind === "frame" || behind === "end") return true;
    const end = frameEnd(
      behind,
      () => times.findWithin(bytes, IVF_FRAME_HEADER_BYTES, length, input.maxFrameBytes),
    );
    if (end.state !== "cut off") return end.state === "whole" || this.#isIdle;
    this.#passed = end.at;
    return input.fail({
      at: end.at,
      expected: `a frame of ${frame.size} bytes`,
      found: `another after ${end.at - IVF_FRAME_HEADER_BYTES}`,
    });
  }

  #behind(
    length: number,
    times: IvfFrameTimes,
    bytes: Uint8Array,
  ): "frame" | "end" | "other" | "unknown" {
    const { ended, maxFrameBytes } = this.input;
    if (ended && bytes.length === length) return "end";
    if (bytes.length < length + IVF_FRAME_HEADER_BYTES) {
      if (SIGNATURE.match(bytes, length) === "yes") return "frame";
      return ended ? "other" : "unknown";
    }
    const next = frameHeaderAt(bytes, length);
    if (next.size <= maxFrameBytes && times.isNext(next)) return "frame";
    return SIGNATURE.match(bytes, length) === "yes" ? "frame" : "other";
  }

  /** The time of a frame that is given now. */
  #ptsOf(frame: FrameHeader, { header, startUs }: IvfStream): number | null {
    const ptsUs = ivfPtsUs(frame.low, frame.high, header.timeBase);
    if (ptsUs === null) return null;
    const sum = startUs + ptsUs;
    if (this.#lastPtsUs !== null && sum > this.#lastPtsUs) this.#stepUs = sum - this.#lastPtsUs;
    this.#lastPtsUs = sum;
    return sum;
  }

  #readHeader(): IvfStream | undefined {
    const { input } = this;
    const expected = `an IVF header of ${IVF_HEADER_BYTES} bytes`;
    const isThere = input.startsWith(IVF_SIGNATURE, "an IVF header (DKIF)") &&
      input.length >= IVF_HEADER_BYTES;
    if (!isThere) return input.lack(expected);
    const headerBytes = this.#readHeaderLength();
    if (input.length < headerBytes) return input.lack(`an IVF header of ${headerBytes} bytes`);
    const header = parseIvfHeader(input.bytes, (fault) => input.fail(fault));
    input.skip(headerBytes);
    const { format, width, height, frameRate } = header;
    const codec = format === "vp8" ? "vp8" : null;
    const config = bareConfig(format, { codec, width, height, frameRate });
    this.#times = new IvfFrameTimes();
    this.#isFound = false;
    const startUs = this.#lastPtsUs === null ? 0 : this.#lastPtsUs + this.#stepUs;
    const before = this.#stream?.config;
    return {
      header,
      readKeyFrame: READERS[format](header),
      config: before?.format === format ? before : config,
      startUs,
    };
  }

  #readHeaderLength(): number {
    const { input } = this;
    const length = input.bytes[6]! | (input.bytes[7]! << 8);
    if (length < IVF_HEADER_BYTES || length > MAX_IVF_HEADER_BYTES) {
      input.fail({
        at: 6,
        expected: `an IVF header of ${IVF_HEADER_BYTES} to ${MAX_IVF_HEADER_BYTES} bytes`,
        found: `one of ${length}`,
      });
    }
    return length;
  }

  /** Reads the header of the next frame that has bytes, and leaves it where it is. */
  #readFrameHeader(bytes: Uint8Array): FrameHeader | undefined {
    const { input } = this;
    if (input.finished) return undefined;
    if (bytes.length < IVF_FRAME_HEADER_BYTES) {
      return input.lack(`an IVF frame header of ${IVF_FRAME_HEADER_BYTES} bytes`);
    }
    const frame = frameHeaderAt(bytes, 0);
    if (this.#isFound && (frame.size === 0 || !this.#times.mayFollow(frame))) this.#failAtTime();
    input.checkFrameBytes(frame.size);
    input.expect(IVF_FRAME_HEADER_BYTES + frame.size);
    return frame;
  }

  #failAtTime(): never {
    const found = hex(this.input.bytes, IVF_FRAME_HEADER_BYTES);
    this.input.fail({ at: 0, expected: "an IVF frame header with a time that fits", found });
  }

  /** Passes over a frame of no bytes. */
  #leaveOut(frame: FrameHeader): void {
    const { input } = this;
    if (input.resyncs && !this.#times.isLikely(frame)) this.#failAtTime();
    input.skip(IVF_FRAME_HEADER_BYTES);
    this.#times = this.#times.after(frame);
    this.#damaged++;
  }
}

/** Reads the {@linkcode IVF_FRAME_HEADER_BYTES} at `at`. */
function frameHeaderAt(bytes: Uint8Array, at: number): FrameHeader {
  return { size: uint32(bytes, at), low: uint32(bytes, at + 4), high: uint32(bytes, at + 8) };
}

/** The frame with what is missing in it, and free bytes before it as before. */
function withMissing(
  frame: Uint8Array<ArrayBuffer>,
  missing: MissingBytes | undefined,
): Uint8Array<ArrayBuffer> {
  if (missing === undefined) return frame;
  const { at, bytes } = missing;
  return withHeadroom([frame.subarray(0, at), bytes, frame.subarray(at)]);
}
