// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { bytesOf, hex } from "../../src/bytes/text.ts";
import { InputError } from "../../src/errors.ts";
import { createAutoSplitter, createSplitter } from "../../src/split/create.ts";
import {
  detectFormat,
  INPUT_FORMATS,
  type InputFormat,
  MAX_SIGNATURE_BYTES,
  sniffFrame,
} from "../../src/split/detect.ts";
import { h264Pps, h264Sps, idr } from "./nal_samples.ts";
import { concat, cutAt, errorOf, jpeg, jpegSegment, png, PNG_START } from "./samples.ts";
import { ramp, SOI, split } from "./samples.ts";

const KNOWN: [InputFormat, Uint8Array][] = [
  ["mjpeg", jpeg()],
  ["png", png()],
  ["y4m", bytesOf("YUV4MPEG2 W2 H2\n")],
  ["h264", Uint8Array.of(0, 0, 0, 1, 0x67, 0x42, 0, 0x1e)],
  ["h264", Uint8Array.of(0, 0, 1, 0x09, 0xf0, 0, 0, 1)],
  ["hevc", Uint8Array.of(0, 0, 0, 1, 0x40, 1, 0x0c, 1)],
  ["ivf", bytesOf("DKIF\0\0\x20\0VP80")],
  ["mpjpeg", bytesOf("--ffmpeg\r\n")],
  ["mpjpeg", bytesOf("\r\n--ffmpeg\r\n")],
];

function every188(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, at) => at % 188 === 0 ? 0x47 : 0x11);
}

const FOREIGN: [string, Uint8Array][] = [
  ["FLV", bytesOf("FLV\x01\x05\0\0\0\x09")],
  ["Matroska or WebM", Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3, 1, 0, 0, 0)],
  ["AVI", bytesOf("RIFF\0\0\0\0AVI LIST")],
  ["a WebP image", bytesOf("RIFF\0\0\0\0WEBPVP8 ")],
  ["WAV", bytesOf("RIFF\0\0\0\0WAVEfmt ")],
  ["a RIFF container", bytesOf("RIFF\0\0\0\0CDDAfmt ")],
  ["M4A", bytesOf("\0\0\0\x1cftypM4A ")],
  ["MP3", bytesOf("ID3\x04\0\0")],
  ["FLAC", bytesOf("fLaC\0\0\0\x22")],
  ["gzip data", Uint8Array.of(0x1f, 0x8b, 8, 8)],
  ["zstd data", Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd)],
  ["a ZIP archive", bytesOf("PK\x03\x04\x14\0")],
  ["a program", bytesOf("\x7fELF\x02\x01")],
  ["MXF", Uint8Array.of(6, 0x0e, 0x2b, 0x34, 2, 5)],
  ["MPEG-4 Part 2 video", Uint8Array.of(0, 0, 1, 0xb0, 1)],
  ["H.266", Uint8Array.of(0, 0, 0, 1, 0, 0x79, 0, 0x0a)],
  ["a JPEG-LS image", Uint8Array.of(0xff, 0xd8, 0xff, 0xf7, 0, 0x0b)],
  ["MP4 or MOV", bytesOf("\0\0\0\x1cftypisom")],
  ["MPEG-TS", every188(400)],
  ["MPEG-PS", Uint8Array.of(0, 0, 1, 0xba, 0x44)],
  ["MPEG-1 or MPEG-2 video", Uint8Array.of(0, 0, 1, 0xb3, 0x14)],
  ["Ogg", bytesOf("OggS\0\x02")],
  ["a GIF image", bytesOf("GIF89a\x10\0")],
  ["a BMP image", bytesOf("BM\x10\x20\0\0\0\0\0\0\x36\0")],
  ["JPEG after 4 bytes", concat(Uint8Array.of(0, 0, 0, 70), jpeg())],
  ["an AVIF image", bytesOf("\0\0\0\x20ftypavif\0\0\0\0")],
  ["a HEIF image", bytesOf("\0\0\0\x20ftypheic\0\0\0\0")],
  ["a PPM, PGM or PBM image", bytesOf("P6\n320 240\n255\n")],
  ["a QOI image", bytesOf("qoif\0\0\x01\x40")],
  ["H.264 with lengths", Uint8Array.of(0, 0, 0, 0x19, 0x67, 0x64, 0, 0x1e)],
  ["H.264 with lengths", Uint8Array.of(0, 0, 0, 2, 9, 0xf0, 0, 0)],
  ["H.264 with lengths", Uint8Array.of(0, 0, 2, 0xb4, 6, 5, 0xff, 0xff)],
  ["H.265 with lengths", Uint8Array.of(0, 0, 0, 0x18, 0x40, 1, 0x0c, 1)],
  ["AV1 as OBUs", Uint8Array.of(0x12, 0, 0x0a, 0x0b, 0, 0, 0, 4)],
  ["AV1 as OBUs with lengths (Annex B)", Uint8Array.of(0x1a, 0x18, 0x01, 0x10, 0x0b, 0x08)],
  ["text of gst-launch", bytesOf("Setting pipeline to PAUSED ...\n")],
  ["an HTTP response with its headers", bytesOf("HTTP/1.1 200 OK\r\n")],
];

function faultOf(bytes: Uint8Array, atEnd: boolean): InputError["fault"] {
  return assertThrows(() => detectFormat(bytes, atEnd), InputError).fault;
}

Deno.test("detectFormat knows every format that has a signature", () => {
  for (const [format, bytes] of KNOWN) {
    assertEquals(detectFormat(bytes, false), format);
    assertEquals(detectFormat(bytes, true), format);
  }
  assert(KNOWN.every(([format]) => INPUT_FORMATS.includes(format)));
});

/** The first bytes of a NAL unit, and whose they are; `undefined` where they are of neither. */
const NAL_UNITS: [header: readonly number[], format: "h264" | "hevc" | undefined][] = [
  ...[0x67, 0x47, 0x27, 0x68, 0x28, 0x65, 0x45, 0x41, 0x61, 0x06, 0x09]
    .map((first): [number[], "h264"] => [[first, 0x64], "h264"]),
  ...[0x40, 0x42, 0x44, 0x46, 0x4e, 0x26, 0x28, 0x2a, 0x20]
    .map((first): [number[], "hevc"] => [[first, 1], "hevc"]),
  // A PPS of H.264, a picture of H.265 to begin at.
  [[0x28, 0xee], "h264"],
  [[0x28, 0x01], "hevc"],
  // SEI of H.264, of type 1 and 5, are like pictures of H.265 that refer to others.
  [[0x06, 0x01], "h264"],
  [[0x06, 0x05], "h264"],
  // Headers of H.265 in another layer, in another temporal layer, and of a picture to go on with.
  [[0x41, 0x01], "h264"],
  [[0x40, 0x09], undefined],
  [[0x42, 0x02], undefined],
  [[0x02, 0x01], undefined],
  // The forbidden bit, and the start of an icon file.
  [[0xe7, 0x64], undefined],
  [[0x00, 0x01], undefined],
];

Deno.test("detectFormat tells H.264 from H.265 by the header behind either start code", () => {
  for (const [header, format] of NAL_UNITS) {
    for (const code of [[0, 0, 1], [0, 0, 0, 1]]) {
      const bytes = Uint8Array.of(...code, ...header, 0x0a, 0x0b, 0x0c, 0x0d);
      if (format === undefined) assertEquals(faultOf(bytes, true).found, `the bytes ${hex(bytes)}`);
      else assertEquals(detectFormat(bytes, false), format, hex(bytes));
    }
  }
});

Deno.test("detectFormat decides alike however few bytes have come", () => {
  const jpegOf359Bytes = concat(Uint8Array.of(0, 0, 1, 0x67), jpeg());
  const mp4OfBytes = concat(Uint8Array.of(0, 0, 1, 0x67), bytesOf("ftypisom"));
  for (
    const [name, bytes] of [["JPEG after 4 bytes", jpegOf359Bytes], [
      "MP4 or MOV",
      mp4OfBytes,
    ]] as const
  ) {
    for (const chunks of [[bytes], cutAt(bytes, [...bytes.keys()])]) {
      assertEquals(
        errorOf(createAutoSplitter({ maxFrameBytes: 100 }), ...chunks).fault.found,
        name,
      );
    }
  }
});

Deno.test("detectFormat asks for more until it can decide", () => {
  for (const [format, bytes] of KNOWN) {
    const answers = bytes.keys().map((count) => detectFormat(bytes.subarray(0, count), false));
    const decided = [...answers].filter((answer) => answer !== undefined);
    assert(decided.length > 0 && decided.every((answer) => answer === format));
  }
  assertEquals(detectFormat(new Uint8Array(0), false), undefined);
  assertEquals(detectFormat(PNG_START.subarray(0, 7), false), undefined);
});

Deno.test("detectFormat names inputs that are not split here, with the flags to use", () => {
  for (const [name, start] of FOREIGN) {
    const bytes = concat(start, new Uint8Array(8));
    const fault = faultOf(bytes, false);
    assertEquals(fault.found, name);
    assert(
      /ffmpeg .*-i (?:INPUT|-) .*-f (?:mjpeg|ivf)|--format lp32|curl|h264parse|-q,|unpack it|it is audio|PROGRAM/
        .test(fault.advice ?? ""),
      fault.advice,
    );
  }
});

Deno.test("detectFormat names the bytes of an input that it does not know", () => {
  const fault = faultOf(Uint8Array.of(0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89), false);
  assertEquals(fault.found, "the bytes 81 82 83 84 85 86 87 88");
  assert(fault.advice?.includes("--format raw --size WxH --pixel-format NAME"));
  assertEquals(faultOf(PNG_START.subarray(0, 3), true).found, "the bytes 89 50 4e");
  // Pixels of one grey are no text.
  assertEquals(faultOf(bytesOf("JJJJJJJJJJ"), true).found, "the bytes 4a 4a 4a 4a 4a 4a 4a 4a");
});

const UNKNOWN: readonly (readonly [input: string, found: string, advice: string])[] = [
  ["hello world\n", 'the text "hello world"', "standard error"],
  ["d\xc3\xa9j\xc3\xa0 vu", 'the text "d\u00e9j\u00e0 vu"', "standard error"],
  ["[rtsp @ 0x55d] method DESCRIBE failed: 401\n", 'the text "[rtsp @ ', "standard error"],
  ["New clock: GstSystemClock\n", 'the text "New clock: GstSystemClock"', "standard error"],
  ["<!DOCTYPE html>\n<html>", 'a web page ("<!DOCTYPE html>")', "curl -f"],
  ['{"error": "gone"}', 'JSON ("{\\"error\\": \\"gone\\"}")', "the server"],
  ["#EXTM3U\n", 'an HLS playlist ("#EXTM3U")', "ffmpeg -i ADDRESS"],
  ["v=0\r\no=- 0", 'an SDP description ("v=0")', "ffmpeg -i FILE.sdp"],
  ["\xff\xf1\x50\x40", "AAC", "it is audio"],
  ["\xff\xfb\x90\x64", "MP3", "it is audio"],
  ["\xff\x0a\x10\x20", "a JPEG XL code stream", "ffmpeg -i INPUT"],
];

Deno.test("createAutoSplitter says of what it does not know what it may be, and looks behind it", () => {
  for (const [input, found, advice] of UNKNOWN) {
    const bytes = bytesOf(input);
    for (const chunks of [[bytes], cutAt(bytes, [...bytes.keys()])]) {
      const create = () => createAutoSplitter({ maxFrameBytes: 4096, resyncs: true });
      const { fault } = errorOf(create(), ...chunks);
      assert(fault.found.startsWith(found), fault.found);
      assert(fault.advice?.includes(advice), fault.advice);
      assertEquals(split(create(), [...chunks, jpeg(), jpeg()]).frames.length, 2, input);
    }
  }
});

Deno.test("createAutoSplitter detects H.264 behind zeros and other NAL units, strict or not", () => {
  const code = Uint8Array.of(0, 0, 0, 1);
  const filler = concat(code, Uint8Array.of(0x0c, 0xff, 0xff, 0x80));
  const prefix = concat(code, Uint8Array.of(0x6e, 0x80, 0, 7, 0x80));
  const pictures = concat(h264Sps(), h264Pps(), idr(), idr());
  for (const front of [new Uint8Array(1), new Uint8Array(99), filler, prefix]) {
    for (const resyncs of [true, false]) {
      const splitter = createAutoSplitter({ maxFrameBytes: 4096, resyncs });
      const { frames, error } = split(splitter, [concat(front, pictures)]);
      assertEquals([frames.length, error, splitter.damaged], [2, undefined, 0]);
    }
  }
  const zeros = new Uint8Array(9);
  const { fault } = errorOf(createAutoSplitter({ maxFrameBytes: 4096 }), concat(zeros, jpeg()));
  assertEquals(fault.found, "the bytes 00 00 00 00 00 00 00 00");
});

Deno.test("detectFormat refuses an empty input", () => {
  assertEquals(faultOf(new Uint8Array(0), true).found, "an empty input");
});

Deno.test("detectFormat decides within its bound on any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(...KNOWN, ...FOREIGN), (
      bytes,
      [, start],
    ) => {
      const input = concat(start.subarray(0, bytes[0] ?? 0), bytes, ramp(MAX_SIGNATURE_BYTES));
      try {
        assert(detectFormat(input, false) !== undefined);
      } catch (error) {
        assert(error instanceof InputError);
      }
    }),
    { seed: 36, numRuns: 500 },
  );
});

Deno.test("createAutoSplitter refuses what cannot be detected, whole or byte by byte", () => {
  for (const [name, bytes] of FOREIGN) {
    for (const chunks of [[bytes], cutAt(bytes, [...bytes.keys()])]) {
      const error = errorOf(createAutoSplitter({ maxFrameBytes: 100 }), ...chunks);
      assertEquals(error.fault.found, name);
    }
  }
});

Deno.test("createSplitter makes the splitter that is named, whatever the bytes", () => {
  const error = errorOf(createSplitter({ format: "png", maxFrameBytes: 1000 }), jpeg());
  assert(error.fault.expected.startsWith("a PNG image"));
});

Deno.test("sniffFrame tells format and size of one frame", () => {
  const seen = [jpeg({ width: 640 }), png({ height: 5 }), ramp(9), new Uint8Array(0)]
    .map((bytes) => sniffFrame(bytes))
    .map(({ format, codec, width, height }) => [format, codec, width, height]);
  assertEquals(seen, [
    ["mjpeg", "jpeg", 640, 8],
    ["png", "png", 16, 5],
    ["raw", null, null, null],
    ["raw", null, null, null],
  ]);
});

Deno.test("sniffFrame returns the configuration before when nothing changes", () => {
  const first = sniffFrame(jpeg());
  assertStrictEquals(sniffFrame(jpeg({ scan: ramp(3) }), first), first);
  assertEquals(sniffFrame(jpeg({ width: 9 }), first).width, 9);
  assertEquals(sniffFrame(png(), first).format, "png");
});

Deno.test("sniffFrame reads the headers only, whatever a frame holds", () => {
  const comments = Array.from({ length: 5000 }, () => jpegSegment(0xfe, new Uint8Array(0)));
  const frames = [
    jpeg({ before: jpegSegment(0xe1, new Uint8Array(60_000)), scan: new Uint8Array(100_000) }),
    png(),
    new Uint8Array(100_000),
    concat(SOI, new Uint8Array(100_000).fill(0xff)),
    concat(SOI, ...comments),
  ];
  for (const frame of frames) {
    let reads = 0;
    const counting = new Proxy(frame, {
      get(target, key): unknown {
        reads++;
        return Reflect.get(target, key, target);
      },
    });
    sniffFrame(counting);
    assert(reads < 2000, `${reads} reads`);
  }
});
