/**
 * IVF files of VP8, VP9 or AV1, as `ffmpeg -f ivf` writes them.
 *
 * @module
 */
import { HEADROOM_BYTES } from "../bytes/assembly.ts";
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
import type { SplitFrame, Splitter, SplitterOptions } from "./splitter.ts";
import { readVp8KeyFrame } from "./vp8.ts";
import { readVp9KeyFrame } from "./vp9.ts";

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
}

/** What a frame's header says. */
interface FrameHeader {
  readonly size: number;
  readonly ptsUs: number | null;
}

/**
 * Splits an IVF file into its frames, which are without their headers.
 *
 * The frames' sizes alone tell where they end. A frame whose own header is broken is a delta frame:
 * a decoder may make something of it, but nobody can begin there. Frames of no bytes, which stand
 * for a picture that the encoder left out, are left out here too, and counted.
 */
export class IvfSplitter implements Splitter {
  readonly #input: FrameInput;
  #stream: IvfStream | undefined;
  /** Header of the frame whose bytes come next. */
  #frame: FrameHeader | undefined;
  #damaged = 0;

  constructor(options: SplitterOptions) {
    this.#input = new FrameInput(options);
  }

  get damaged(): number {
    return this.#damaged;
  }

  push(chunk: Uint8Array): void {
    this.#input.push(chunk);
  }

  end(): void {
    this.#input.end();
  }

  next(): SplitFrame | undefined {
    const input = this.#input;
    const stream = this.#stream ??= this.#readHeader();
    if (stream === undefined) return undefined;
    const frame = this.#frame ??= this.#readFrameHeader(stream);
    if (frame === undefined) return undefined;
    const { size, ptsUs } = frame;
    if (input.length < size) return input.lack(`a frame of ${size} bytes`);
    const keyFrame = stream.readKeyFrame(input.bytes.subarray(0, size));
    input.checkFrameBytes(size + (keyFrame?.missing?.bytes.length ?? 0));
    this.#frame = undefined;
    const bytes = input.take(size);
    if (keyFrame === undefined) {
      return { data: bytes, kind: "delta", ptsUs, config: stream.config };
    }
    const { codec, width, height, missing } = keyFrame;
    const { format, frameRate } = stream.header;
    const config = videoConfig(stream.config, format, { codec, width, height, frameRate });
    stream.config = config;
    return { data: withMissing(bytes, missing), kind: "key", configuration: true, ptsUs, config };
  }

  #readHeader(): IvfStream | undefined {
    const input = this.#input;
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
    return { header, readKeyFrame: READERS[format](header), config };
  }

  #readHeaderLength(): number {
    const input = this.#input;
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

  /** Reads the header of the next frame that has bytes. */
  #readFrameHeader({ header }: IvfStream): FrameHeader | undefined {
    const input = this.#input;
    for (;;) {
      if (input.finished) return undefined;
      if (input.length < IVF_FRAME_HEADER_BYTES) {
        return input.lack(`an IVF frame header of ${IVF_FRAME_HEADER_BYTES} bytes`);
      }
      const { buffer, byteOffset } = input.bytes;
      const view = new DataView(buffer, byteOffset, IVF_FRAME_HEADER_BYTES);
      const size = view.getUint32(0, true);
      input.checkFrameBytes(size);
      const ptsUs = ivfPtsUs(view.getUint32(4, true), view.getUint32(8, true), header.timeBase);
      input.skip(IVF_FRAME_HEADER_BYTES);
      if (size > 0) {
        input.expect(size);
        return { size, ptsUs };
      }
      this.#damaged++;
    }
  }
}

/** The frame with what is missing in it, and free bytes before it as before. */
function withMissing(
  frame: Uint8Array<ArrayBuffer>,
  missing: MissingBytes | undefined,
): Uint8Array<ArrayBuffer> {
  if (missing === undefined) return frame;
  const { at, bytes } = missing;
  const whole = new Uint8Array(HEADROOM_BYTES + frame.length + bytes.length);
  const data = whole.subarray(HEADROOM_BYTES);
  data.set(frame.subarray(0, at));
  data.set(bytes, at);
  data.set(frame.subarray(at), at + bytes.length);
  return data;
}
