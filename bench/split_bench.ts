/**
 * Speed of the splitters on one core: `deno run bench/split_bench.ts`.
 *
 * Every input is fed in chunks of 64 KiB, as a pipe gives them, and the frames are dropped. Splitters
 * resynchronise, as those of `stream publish` do.
 *
 * @module
 */
import { crc32 } from "../src/bytes/crc32.ts";
import { bytesOf } from "../src/bytes/text.ts";
import { ivfFrameHeader, ivfHeader } from "../src/media/ivf_writer.ts";
import { bareConfig } from "../src/core/frame.ts";
import { createSplitter, type CreateSplitterOptions } from "../src/split/create.ts";

const CHUNK_BYTES = 65_536;
const RUNS = 5;
const BYTES_PER_RUN = 400e6;

interface Case {
  readonly format: string;
  readonly options: CreateSplitterOptions;
  readonly header: Uint8Array;
  readonly frame: Uint8Array;
}

function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** Bytes of all values alike, from a fixed seed: as dense in FF as entropy-coded data. */
function noise(count: number): Uint8Array<ArrayBuffer> {
  let state = 0x2545f491;
  return Uint8Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 24;
  });
}

function jpeg(entropyBytes: number): Uint8Array {
  const stuffed = Array.from(noise(entropyBytes)).flatMap((byte) =>
    byte === 0xff ? [0xff, 0] : [byte]
  );
  return concat(
    Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16),
    bytesOf("JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
    Uint8Array.of(0xff, 0xc0, 0, 11, 8, 4, 0x38, 7, 0x80, 1, 1, 0x11, 0),
    Uint8Array.of(0xff, 0xda, 0, 8, 1, 1, 0, 0, 0x3f, 0),
    Uint8Array.from(stuffed),
    Uint8Array.of(0xff, 0xd9),
  );
}

function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const content = concat(bytesOf(type), data);
  return concat(uint32(data.length), content, uint32(crc32(content)));
}

function png(idatBytes: number): Uint8Array {
  const data = noise(idatBytes);
  const idats = [];
  for (let at = 0; at < data.length; at += 8192) {
    idats.push(pngChunk("IDAT", data.subarray(at, at + 8192)));
  }
  const header = concat(uint32(1920), uint32(1080), Uint8Array.of(8, 2, 0, 0, 0));
  return concat(
    bytesOf("\x89PNG\r\n\x1a\n"),
    pngChunk("IHDR", header),
    ...idats,
    pngChunk("IEND", new Uint8Array(0)),
  );
}

/** A key frame of AV1 behind its IVF header, with the sequence header of libaom for 160x90. */
function ivfFrame(tileBytes: number): Uint8Array {
  const sequence = [0x20, 0, 0, 3, 0xb4, 0xfd, 0x93, 0x6b, 0xe4, 0x80, 0x86, 0x80, 0x10];
  const size = [(tileBytes & 0x7f) | 0x80, ((tileBytes >> 7) & 0x7f) | 0x80, tileBytes >> 14];
  const unit = concat(
    Uint8Array.of(0x12, 0, 0x0a, sequence.length, ...sequence, 0x32, ...size, 0x10),
    noise(tileBytes - 1),
  );
  return concat(ivfFrameHeader(unit.length, 0), unit);
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.split(" "), (byte) => parseInt(byte, 16));
}

/** A NAL unit with a payload in which no start code appears, as entropy-coded data has none. */
function nal(beginning: string, payloadBytes = 0): Uint8Array {
  const payload = noise(payloadBytes);
  for (let at = 2; at < payload.length; at++) {
    if (payload[at]! <= 3 && payload[at - 1] === 0 && payload[at - 2] === 0) payload[at] = 4;
  }
  return concat(Uint8Array.of(0, 0, 0, 1), fromHex(beginning), payload);
}

/** Parameter sets for 1920x1080 as x264 and x265 write them, and how slices begin. */
const NAL_UNITS = {
  h264: {
    parameters: [
      "67 64 00 28 ac d9 40 78 02 27 e5 c0 44 00 00 03 00 04 00 00 03 00 f0 3c 60 c6 58",
      "68 eb e3 cb 22 c0",
    ],
    key: ["65 88 84", "65 00 7f", "65 00 3f", "65 00 2f"],
    delta: "41 9a 24",
  },
  hevc: {
    parameters: [
      "40 01 0c 01 ff ff 01 60 00 00 03 00 90 00 00 03 00 00 03 00 78 95 98 09",
      "42 01 01 01 60 00 00 03 00 90 00 00 03 00 00 03 00 78 a0 03 c0 80 10 e5 96 56 69 24 ca f0 " +
      "16 80 80 00 00 03 00 80 00 00 0f 04",
      "44 01 c1 72 b4 62 40",
    ],
    key: ["28 01 af", "28 01 24", "28 01 22", "28 01 21"],
    delta: "02 01 d0",
  },
};

/** A stream of key frames of four slices, and one of delta frames. */
function accessUnitCases(format: keyof typeof NAL_UNITS, maxFrameBytes: number): Case[] {
  const units = NAL_UNITS[format];
  const parameters = concat(...units.parameters.map((set) => nal(set)));
  const key = concat(parameters, ...units.key.map((beginning) => nal(beginning, 25_000)));
  const shared = { format, options: { format, maxFrameBytes, resyncs: true } };
  return [
    { ...shared, header: new Uint8Array(0), frame: key },
    { ...shared, header: parameters, frame: nal(units.delta, 25_000) },
  ];
}

function cases(): Case[] {
  const none = new Uint8Array(0);
  const maxFrameBytes = 16 * 2 ** 20;
  const image = jpeg(100_000);
  const rgb24 = { width: 1920, height: 1080, pixelFormat: "rgb24" };
  const partHeader = `--x\r\nContent-length: ${image.length}\r\n\r\n`;
  return [
    {
      format: "raw",
      options: { format: "raw", maxFrameBytes, ...rgb24 },
      header: none,
      frame: noise(1920 * 1080 * 3),
    },
    {
      format: "mjpeg",
      options: { format: "mjpeg", maxFrameBytes, resyncs: true },
      header: none,
      frame: image,
    },
    {
      format: "mpjpeg",
      options: { format: "mpjpeg", maxFrameBytes, resyncs: true },
      header: none,
      frame: concat(bytesOf(partHeader), image, bytesOf("\r\n")),
    },
    {
      format: "png",
      options: { format: "png", maxFrameBytes, resyncs: true },
      header: none,
      frame: png(1_000_000),
    },
    {
      format: "y4m",
      options: { format: "y4m", maxFrameBytes, resyncs: true },
      header: bytesOf("YUV4MPEG2 W1920 H1080 F30:1 C420jpeg\n"),
      frame: concat(bytesOf("FRAME\n"), noise(1920 * 1080 * 1.5)),
    },
    ...accessUnitCases("h264", maxFrameBytes),
    ...accessUnitCases("hevc", maxFrameBytes),
    ...[100_000, 1000].map((tileBytes): Case => ({
      format: "ivf",
      options: { format: "ivf", maxFrameBytes, resyncs: true },
      header: ivfHeader(bareConfig("av1")),
      frame: ivfFrame(tileBytes),
    })),
    {
      format: "lp32",
      options: { format: "lp32", maxFrameBytes },
      header: none,
      frame: concat(uint32(image.length), image),
    },
    {
      format: "lp32",
      options: { format: "lp32", maxFrameBytes },
      header: none,
      frame: concat(uint32(1000), noise(1000)),
    },
  ];
}

/** Splits `count` frames and returns the megabytes that went in a second. */
function measure({ options, header, frame }: Case, count: number): number {
  // Several frames in one buffer, so that a chunk seldom ends where a frame does.
  const perBlock = Math.max(1, Math.min(count, Math.ceil(40e6 / frame.length)));
  const block = concat(...Array.from({ length: perBlock }, () => frame));
  const splitter = createSplitter(options);
  splitter.push(header);
  let frames = 0;
  let bytes = 0;
  const start = performance.now();
  while (bytes < count * frame.length) {
    for (let at = 0; at < block.length; at += CHUNK_BYTES) {
      splitter.push(block.subarray(at, at + CHUNK_BYTES));
      while (splitter.next() !== undefined) frames++;
    }
    bytes += block.length;
  }
  splitter.end();
  while (splitter.next() !== undefined) frames++;
  const ms = performance.now() - start;
  if (frames * frame.length !== bytes) throw new Error(`Cannot trust the run: ${frames} frames`);
  return bytes / 1e3 / ms;
}

function row(format: string, frameBytes: string, speed: string): string {
  return `${format.padEnd(8)}${frameBytes.padStart(12)}${speed.padStart(8)}`;
}

function main(): void {
  const lines = [row("format", "frame bytes", "MB/s") + `  (median of ${RUNS})`];
  for (const each of cases()) {
    const count = Math.ceil(BYTES_PER_RUN / each.frame.length);
    const speeds = Array.from({ length: RUNS }, () => measure(each, count)).sort((a, b) => a - b);
    lines.push(row(each.format, String(each.frame.length), speeds[RUNS >> 1]!.toFixed(0)));
  }
  // deno-lint-ignore no-console
  console.log(lines.join("\n"));
}

if (import.meta.main) main();
