/**
 * YUV4MPEG2 streams, as `ffmpeg -f yuv4mpegpipe` writes them.
 *
 * The format is that of yuv4mpeg(5) of mjpegtools, with the colour spaces of ffmpeg.
 *
 * @module
 */
import { BytePattern, PatternSearch } from "../bytes/search.ts";
import { bytesOf, hex } from "../bytes/text.ts";
import { FrameInput } from "./frame_input.ts";
import { frameEnd, type FrameFinder } from "./resync.ts";
import type { SplitFrame, SplitterOptions } from "./splitter.ts";
import { MAX_HEADER_BYTES, parseY4mHeader, Y4M_SIGNATURE, type Y4mHeader } from "./y4m_header.ts";

/** Longest line in front of a frame's planes, in bytes with its LF. */
export const MAX_FRAME_LINE_BYTES = 256;

const LF = 0x0a;
const SPACE = 0x20;
const FRAME = bytesOf("FRAME");
const FRAME_PATTERN = new BytePattern(FRAME);
const HEADER_PATTERN = new BytePattern(Y4M_SIGNATURE);

/**
 * Splits a YUV4MPEG2 stream. A frame is its `FRAME` line together with its planes, so that
 * `config.header`, a line feed and all frames make the input again.
 *
 * Where it resynchronises, another header line may stand between two frames: the writer has begun
 * again. The times go on.
 */
export class Y4mSplitter implements FrameFinder {
  readonly input: FrameInput;
  #stream: Y4mStream | undefined;
  #passed = 0;
  #isIdle = false;
  readonly #headers = new PatternSearch(HEADER_PATTERN);
  readonly #frames = new PatternSearch(FRAME_PATTERN);

  constructor(options: SplitterOptions) {
    this.input = new FrameInput(options);
  }

  get passed(): number {
    return this.#passed;
  }

  findStart(from: number): number {
    const { bytes, offset } = this.input;
    const header = this.#headers.find(bytes, { offset, from });
    if (this.#stream === undefined) return header;
    return Math.min(header, this.#frames.find(bytes, { offset, from }));
  }

  restart(): void {}

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
    this.#passed = 0;
    while (this.#isAtHeader()) {
      const stream = this.#readHeader();
      if (stream === undefined) return undefined;
      this.#stream = stream;
    }
    const stream = this.#stream!;
    if (input.finished) return undefined;
    const lineBytes = this.#frameLineBytes(stream);
    if (lineBytes === undefined) return input.lack(stream.expected);
    const length = lineBytes + stream.pictureBytes;
    input.checkFrameBytes(length);
    if (input.length < length) return input.lack(stream.expected);
    if (input.resyncs && !this.#isWhole(length)) return input.lack(stream.expected);
    const ptsUs = ptsOf(input.framesTaken - stream.framesBefore, stream);
    return { data: input.take(length), kind: "key", ptsUs, config: stream.config };
  }

  /** Whether a header line begins here, or may once more bytes have come. */
  #isAtHeader(): boolean {
    const { input } = this;
    if (this.#stream === undefined) return true;
    return input.resyncs && input.length > 0 && HEADER_PATTERN.match(input.bytes) !== "no";
  }

  /** Whether a frame of so many bytes is whole; false where that cannot be told yet. */
  #isWhole(length: number): boolean {
    const { input } = this;
    const end = frameEnd(this.#behind(length), () => this.#findWithin(length));
    if (end.state !== "cut off") return end.state === "whole" || this.#isIdle;
    this.#passed = end.at;
    return input.fail({
      at: end.at,
      expected: this.#stream!.expected,
      found: `another frame after ${end.at} bytes`,
    });
  }

  #behind(length: number): "frame" | "end" | "other" | "unknown" {
    const { bytes, ended } = this.input;
    if (ended && bytes.length === length) return "end";
    const matches = [FRAME_PATTERN, HEADER_PATTERN].map((pattern) => pattern.match(bytes, length));
    if (matches.includes("yes")) return "frame";
    return matches.includes("more") && !ended ? "unknown" : "other";
  }

  /** Where another frame, or a header line, begins within the first `length` bytes. */
  #findWithin(length: number): number | undefined {
    const { bytes } = this.input;
    const frame = FRAME_PATTERN.findStart(bytes.subarray(0, length + FRAME.length), FRAME.length);
    const end = Math.min(frame, length) + Y4M_SIGNATURE.length;
    // A frame follows its header at once.
    const from = Math.max(FRAME.length, end - Y4M_SIGNATURE.length - MAX_HEADER_BYTES);
    const header = HEADER_PATTERN.findStart(bytes.subarray(0, end), from);
    const at = Math.min(frame, header);
    return at < length ? at : undefined;
  }

  #readHeader(): Y4mStream | undefined {
    const { input } = this;
    const expected = "a YUV4MPEG2 header line";
    if (!input.startsWith(Y4M_SIGNATURE, expected)) return input.lack(expected);
    const end = input.bytes.subarray(0, MAX_HEADER_BYTES).indexOf(LF);
    if (end < 0) {
      if (input.length < MAX_HEADER_BYTES) {
        return input.lack(`${expected} that ends in a line feed`);
      }
      input.fail({
        at: 0,
        expected: `${expected} of at most ${MAX_HEADER_BYTES} bytes`,
        found: "no line feed there",
      });
    }
    const header = parseY4mHeader(input.bytes.subarray(0, end), (fault) => input.fail(fault));
    input.checkFrameBytes(FRAME.length + 1 + header.pictureBytes);
    input.expect(FRAME.length + 1 + header.pictureBytes);
    input.skip(end + 1);
    const before = this.#stream;
    if (before?.config.header === header.config.header) return before;
    return {
      ...header,
      expected: `"FRAME" and ${header.pictureBytes} bytes of picture`,
      startUs: before === undefined ? 0 : ptsOf(input.framesTaken - before.framesBefore, before),
      framesBefore: input.framesTaken,
    };
  }

  /** Bytes of the line that begins a frame; `undefined` when it is not all there yet. */
  #frameLineBytes({ config, pictureBytes }: Y4mStream): number | undefined {
    const { input } = this;
    const place = input.framesTaken === 0
      ? "after the header line"
      : `after the ${pictureBytes} bytes of the previous frame`;
    const advice =
      `check that ${config.width}x${config.height} ${config.pixelFormat} is what the ` +
      "pictures are";
    if (!input.startsWith(FRAME, `"FRAME" ${place}`, { advice })) return undefined;
    const bytes = input.bytes;
    const next = bytes[FRAME.length];
    if (next === LF) return FRAME.length + 1;
    if (next !== undefined && next !== SPACE) {
      input.fail({
        at: FRAME.length,
        expected: `a space or a line feed after "FRAME"`,
        found: hex(bytes.subarray(FRAME.length)),
      });
    }
    const end = bytes.subarray(0, MAX_FRAME_LINE_BYTES).indexOf(LF);
    if (end >= 0) return end + 1;
    if (bytes.length < MAX_FRAME_LINE_BYTES) return undefined;
    input.fail({
      at: 0,
      expected: `a FRAME line of at most ${MAX_FRAME_LINE_BYTES} bytes`,
      found: "no line feed there",
    });
  }
}

/** What the header line says, and what every frame is then expected to be. */
interface Y4mStream extends Y4mHeader {
  readonly expected: string;
  /** Number of frames in front of its header. */
  readonly framesBefore: number;
  /** Time of its first frame in microseconds. */
  readonly startUs: number | null;
}

function ptsOf(index: number, { rate, startUs }: Y4mStream): number | null {
  if (rate === null || startUs === null) return null;
  return startUs + Math.round((index * 1e6 * rate.denominator) / rate.numerator);
}
