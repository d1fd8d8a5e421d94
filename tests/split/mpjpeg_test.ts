// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { bytesOf } from "../../src/bytes/text.ts";
import {
  MAX_BOUNDARY_BYTES,
  MAX_PART_HEADER_BYTES,
  MAX_PART_HEADERS,
  MpjpegSplitter,
} from "../../src/split/mpjpeg.ts";
import { bytesUntilError, concat, cutAt, errorOf, jpeg, jpegSegment, split } from "./samples.ts";

const IMAGE = jpeg({ width: 320, height: 240, before: jpegSegment(0xe1, jpeg()) });

function create(maxFrameBytes = 4096): MpjpegSplitter {
  return new MpjpegSplitter({ maxFrameBytes });
}

/** Text with `@` where the image stands. */
function body(text: string): Uint8Array {
  return concat(
    ...text.split("@").flatMap((each, index) =>
      index === 0 ? [bytesOf(each)] : [IMAGE, bytesOf(each)]
    ),
  );
}

function assertImages(count: number, text: string): void {
  const input = body(text);
  for (const chunks of [[input], cutAt(input, [...input.keys()])]) {
    const { frames, error } = split(create(), chunks);
    assertEquals(error, undefined);
    assertEquals(frames.map(({ data }) => data), Array.from({ length: count }, () => IMAGE));
    for (const { config } of frames) {
      assertEquals([config.format, config.codec], ["mjpeg", "jpeg"]);
      assertEquals([config.width, config.height], [320, 240]);
    }
  }
}

const LENGTH = `Content-length: ${IMAGE.length}`;

Deno.test("MpjpegSplitter reads the body that ffmpeg writes", () => {
  const part = `--ffmpeg\r\nContent-type: image/jpeg\r\n${LENGTH}\r\n\r\n@\r\n`;
  assertImages(2, `${part}${part}--ffmpeg\r\n`);
});

Deno.test("MpjpegSplitter reads bodies that cameras write", () => {
  assertImages(
    2,
    `\r\n--b\r\nCONTENT-LENGTH:${IMAGE.length}\r\n\r\n@\r\n\r\n--b\r\n${LENGTH}\r\n\r\n@`,
  );
  assertImages(2, `--b\n${LENGTH}\nX-Time: 1:2\n\n@\n--b\ncontent-type: image/jpeg\n\n@\n--b--\n`);
  assertImages(2, `----my boundary\r\n\r\n@----my boundary  \r\n\r\n@----my boundary--`);
});

Deno.test("MpjpegSplitter forgets the headers of the part before", () => {
  assertImages(2, `--b\n${LENGTH}\n\n@\n--b\n\n@\n`);
  const longer = jpeg({ before: jpegSegment(0xfe, new Uint8Array(IMAGE.length)) });
  const { frames } = split(create(), [body(`--b\n${LENGTH}\n\n@\n--b\n\n`), longer]);
  assertEquals(frames.map(({ data }) => data), [IMAGE, longer]);
  const parts = MAX_PART_HEADERS;
  assertImages(parts, `--b\n${LENGTH}\nX-Two: 2\n\n@\n`.repeat(parts));
});

Deno.test("MpjpegSplitter goes on with a body that follows the closing boundary", () => {
  assertImages(2, "--b\r\n\r\n@\r\n--b--\r\n--b\r\n\r\n@\r\n--b--\r\n");
});

Deno.test("MpjpegSplitter refuses text behind the closing boundary", () => {
  const { fault } = errorOf(create(), body("--b\n\n@\n--b--\nbye"));
  assertStringIncludes(fault.expected, 'the boundary "--b"');
  assertEquals(fault.found, "62 79 65");
});

Deno.test("MpjpegSplitter refuses a Content-length that lies", () => {
  for (const [length, frames] of [[IMAGE.length - 1, 1], [IMAGE.length + 3, 1]] as const) {
    const input = body(`--b\nContent-length: ${length}\n\n@\n--b\n\n@`);
    const { frames: found, error } = split(create(), [input]);
    assertEquals(found.length, frames);
    assertStringIncludes(error!.fault.expected, "boundary");
  }
});

Deno.test("MpjpegSplitter refuses a Content-length that is no size", () => {
  for (const value of ["", "0", "-1", "1e3", "0x10", "99999999999999999999", "1 2"]) {
    const { fault } = errorOf(create(), bytesOf(`--b\nContent-length: ${value}\n\n`));
    assertStringIncludes(fault.expected, "Content-length");
  }
});

Deno.test("MpjpegSplitter refuses a part that is no JPEG image", () => {
  for (const headers of ["", "Content-length: 9\n"]) {
    const { fault } = errorOf(create(), bytesOf(`--b\n${headers}\n<html></h`));
    assertStringIncludes(fault.expected, "a JPEG image");
    assertEquals(fault.found, "3c 68 74 6d 6c 3e 3c 2f");
  }
});

Deno.test("MpjpegSplitter refuses a header line without a colon", () => {
  assertStringIncludes(errorOf(create(), bytesOf("--b\nhello\n\n")).fault.expected, "name: value");
});

Deno.test("MpjpegSplitter refuses a frame over the limit by its Content-length", () => {
  const error = errorOf(create(100), bytesOf("--b\nContent-length: 101\n\n"));
  assertStringIncludes(error.message, "at most 100 bytes (--max-frame), found a frame of 101");
});

Deno.test("MpjpegSplitter bounds the boundary and the headers", () => {
  const filler = bytesOf("x".repeat(64));
  assert(bytesUntilError(create(), bytesOf("--"), filler) <= MAX_BOUNDARY_BYTES + 64);
  const start = bytesOf("--b\n");
  assert(bytesUntilError(create(), start, filler) <= MAX_PART_HEADER_BYTES + 4 + 64);
  const header = bytesOf("a: b\n");
  const most = start.length + header.length * (MAX_PART_HEADERS + 1);
  assertEquals(bytesUntilError(create(), start, header), most);
  const long = bytesOf(`a: ${"b".repeat(300)}\n`);
  assert(bytesUntilError(create(), start, long) <= MAX_PART_HEADER_BYTES + 4 + long.length);
});

Deno.test("MpjpegSplitter accepts the longest boundary and as many headers as are allowed", () => {
  const boundary = `--${"x".repeat(MAX_BOUNDARY_BYTES - 3)}`;
  const headers = "a: b\n".repeat(MAX_PART_HEADERS);
  assertImages(1, `${boundary}\n${headers}\n@`);
});
