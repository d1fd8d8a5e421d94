// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { bytesOf } from "../../src/bytes/text.ts";
import { InputError } from "../../src/errors.ts";
import { createAutoSplitter, createSplitter } from "../../src/split/create.ts";
import {
  detectFormat,
  INPUT_FORMATS,
  type InputFormat,
  MAX_SIGNATURE_BYTES,
  sniffFrame,
} from "../../src/split/detect.ts";
import { concat, cutAt, errorOf, jpeg, jpegSegment, png, PNG_START, ramp, SOI } from "./samples.ts";

const KNOWN: [InputFormat, Uint8Array][] = [
  ["mjpeg", jpeg()],
  ["png", png()],
  ["y4m", bytesOf("YUV4MPEG2 W2 H2\n")],
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
  ["a RIFF container", bytesOf("RIFF\0\0\0\0WAVEfmt ")],
  ["MP4 or MOV", bytesOf("\0\0\0\x1cftypisom")],
  ["MPEG-TS", every188(400)],
  ["MPEG-PS", Uint8Array.of(0, 0, 1, 0xba, 0x44)],
  ["Ogg", bytesOf("OggS\0\x02")],
  ["a GIF image", bytesOf("GIF89a\x10\0")],
  ["a BMP image", bytesOf("BM\x10\x20\0\0\0\0\0\0\x36\0")],
  ["H.264 (Annex B)", Uint8Array.of(0, 0, 0, 1, 0x67, 0x42, 0, 0x1e)],
  ["H.264 (Annex B)", Uint8Array.of(0, 0, 1, 0x09, 0xf0, 0, 0, 1)],
  ["H.265 (Annex B)", Uint8Array.of(0, 0, 0, 1, 0x40, 1, 0x0c, 1)],
  ["JPEG behind 4 bytes", concat(Uint8Array.of(0, 0, 0, 70), jpeg())],
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
  for (const [name, bytes] of FOREIGN) {
    const fault = faultOf(bytes, false);
    assertEquals(fault.found, name);
    assert(/ffmpeg .*-i INPUT -f mjpeg|--format lp32|curl/.test(fault.advice ?? ""));
  }
});

Deno.test("detectFormat names the bytes of an input that it does not know", () => {
  const fault = faultOf(bytesOf("hello world"), false);
  assertEquals(fault.found, "the bytes 68 65 6c 6c 6f 20 77 6f");
  assert(fault.advice?.includes("--format raw --size WxH --pixel-format NAME"));
  assertEquals(faultOf(PNG_START.subarray(0, 3), true).found, "the bytes 89 50 4e");
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
