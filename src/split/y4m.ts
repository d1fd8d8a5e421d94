/**
 * YUV4MPEG2 streams, as `ffmpeg -f yuv4mpegpipe` writes them.
 *
 * The format is that of yuv4mpeg(5) of mjpegtools, with the colour spaces of ffmpeg.
 *
 * @module
 */
import { bytesOf, hex } from "../bytes/text.ts";
import { FrameInput } from "./frame_input.ts";
import type { SplitFrame, Splitter, SplitterOptions } from "./splitter.ts";
import { MAX_HEADER_BYTES, parseY4mHeader, Y4M_SIGNATURE, type Y4mHeader } from "./y4m_header.ts";

/** Longest line in front of a frame's planes, in bytes with its LF. */
export const MAX_FRAME_LINE_BYTES = 256;

const LF = 0x0a;
const SPACE = 0x20;
const FRAME = bytesOf("FRAME");

/**
 * Splits a YUV4MPEG2 stream. A frame is its `FRAME` line together with its planes, so that
 * `config.header`, a line feed and all frames make the input again.
 */
export class Y4mSplitter implements Splitter {
  readonly #input: FrameInput;
  #stream: Y4mStream | undefined;

  constructor(options: SplitterOptions) {
    this.#input = new FrameInput(options);
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
    if (stream === undefined || input.finished) return undefined;
    const lineBytes = this.#frameLineBytes(stream);
    if (lineBytes === undefined) return input.lack(stream.expected);
    const length = lineBytes + stream.pictureBytes;
    input.checkFrameBytes(length);
    if (input.length < length) return input.lack(stream.expected);
    const ptsUs = ptsOf(input.framesTaken, stream);
    return { data: input.take(length), kind: "key", ptsUs, config: stream.config };
  }

  #readHeader(): Y4mStream | undefined {
    const input = this.#input;
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
    return { ...header, expected: `"FRAME" and ${header.pictureBytes} bytes of picture` };
  }

  /** Bytes of the line that begins a frame; `undefined` when it is not all there yet. */
  #frameLineBytes({ config, pictureBytes }: Y4mStream): number | undefined {
    const input = this.#input;
    const place = input.framesTaken === 0
      ? "after the header line"
      : `after the ${pictureBytes} bytes of the frame before`;
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
}

function ptsOf(index: number, { rate }: Y4mHeader): number | null {
  return rate === null ? null : Math.round((index * 1e6 * rate.denominator) / rate.numerator);
}
