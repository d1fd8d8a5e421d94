// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { bytesOf } from "../../src/bytes/text.ts";
import { createSplitter } from "../../src/split/create.ts";
import { readJpegSize } from "../../src/split/jpeg.ts";
import { MjpegSplitter } from "../../src/split/mjpeg.ts";
import {
  bytesUntilError,
  concat,
  cutAt,
  EOI,
  errorOf,
  frameHeader,
  jpeg,
  jpegSegment,
  ramp,
  scanHeader,
  SOI,
  split,
} from "./samples.ts";

function create(maxFrameBytes = 4096): MjpegSplitter {
  return new MjpegSplitter({ maxFrameBytes });
}

function assertWhole(image: Uint8Array): void {
  const input = concat(image, jpeg(), image);
  for (let cut = 0; cut < input.length; cut++) {
    const { frames, error } = split(create(), cutAt(input, [cut]));
    assertEquals(error, undefined);
    assertEquals(frames.map(({ data }) => data), [image, jpeg(), image]);
  }
}

Deno.test("MjpegSplitter skips a thumbnail inside EXIF", () => {
  assertWhole(jpeg({ before: jpegSegment(0xe1, concat(bytesOf("Exif\0\0"), jpeg(), jpeg())) }));
});

Deno.test("MjpegSplitter does not take the size of a thumbnail for that of the picture", () => {
  const thumbnail = jpeg({ width: 3, height: 2 });
  const image = jpeg({ width: 640, height: 480, before: jpegSegment(0xe1, thumbnail) });
  const { config } = split(create(), [image]).frames[0]!;
  assertEquals([config.codec, config.width, config.height], ["jpeg", 640, 480]);
});

Deno.test("MjpegSplitter skips an end marker inside any segment", () => {
  for (const code of [0xc4, 0xdb, 0xdd, 0xe0, 0xee, 0xfe]) {
    assertWhole(jpeg({ before: jpegSegment(code, concat(EOI, SOI, EOI)) }));
  }
});

Deno.test("MjpegSplitter passes fill bytes in front of a marker", () => {
  const fill = Uint8Array.of(0xff, 0xff, 0xff);
  assertWhole(jpeg({ before: concat(fill, jpegSegment(0xe0, EOI)) }));
  assertWhole(jpeg({ scan: concat(Uint8Array.of(1), fill) }));
});

Deno.test("MjpegSplitter passes the scans of a progressive image, with tables between them", () => {
  const tables = jpegSegment(0xc4, concat(Uint8Array.of(0), EOI));
  const scan = concat(
    Uint8Array.of(1, 2, 0xff, 0),
    tables,
    scanHeader(),
    Uint8Array.of(0xff, 0, 9),
  );
  const image = concat(SOI, frameHeader(99, 77, 0xc2), scanHeader(), scan, scan, EOI);
  assertWhole(image);
  const { config } = split(create(), [image]).frames[0]!;
  assertEquals([config.width, config.height], [99, 77]);
});

Deno.test("MjpegSplitter passes restart markers, TEM and a DNL segment", () => {
  const restarts = Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7].flatMap((n) => [n, 0xff, 0xd0 + n]));
  const lines = jpegSegment(0xdc, Uint8Array.of(0, 8));
  assertWhole(jpeg({ before: Uint8Array.of(0xff, 0x01), scan: concat(restarts, lines) }));
});

Deno.test("MjpegSplitter makes a new configuration when the size changes", () => {
  const small = jpeg({ width: 8 });
  const { frames } = split(create(), [concat(small, small, jpeg({ width: 24 }), small)]);
  assertEquals(frames.map(({ config }) => config.width), [8, 8, 24, 8]);
  assertStrictEquals(frames[0]!.config, frames[1]!.config);
});

Deno.test("MjpegSplitter refuses an image that begins within another", () => {
  const cut = jpeg().subarray(0, -2);
  const fault = errorOf(create(), concat(jpeg(), cut, jpeg())).fault;
  assertEquals([fault.frame, fault.offset], [2, jpeg().length + cut.length]);
  assertStringIncludes(fault.found, "ff d8");
});

Deno.test("MjpegSplitter refuses an image without a picture in it", () => {
  const [frame, scan, data] = [frameHeader(8, 8), scanHeader(), Uint8Array.of(1, 2)];
  const tables = jpegSegment(0xdb, ramp(65));
  const empty: readonly (readonly [image: Uint8Array, expected: string, isWithinData?: true])[] = [
    [concat(SOI, EOI), "a scan"],
    [concat(SOI, tables, frame, EOI), "a scan"],
    [concat(SOI, tables, frame, scan, EOI), "the data of a JPEG scan"],
    [concat(SOI, frame, scan, data, tables, scan, EOI), "the data of a JPEG scan", true],
    [concat(SOI, tables, scan, data, EOI), "a JPEG frame header before the scan"],
  ];
  for (const [image, expected, isWithinData] of empty) {
    for (const chunks of [[image], cutAt(image, [...image.keys()])]) {
      assertStringIncludes(errorOf(create(), ...chunks).fault.expected, expected);
    }
    // Of an image whose length is told, only what stands before its data is read.
    if (isWithinData) continue;
    const headers = `--x\r\nContent-Length: ${image.length}\r\n\r\n`;
    const parts = concat(bytesOf(headers), image, bytesOf("\r\n--x\r\n\r\n"), jpeg());
    const splitter = createSplitter({ format: "mpjpeg", maxFrameBytes: 4096, resyncs: true });
    assertEquals(split(splitter, [parts]).frames.map(({ data }) => data), [jpeg()]);
    assertEquals(splitter.damaged, 1);
  }
});

Deno.test("MjpegSplitter refuses a segment that the next image completes", () => {
  const info = jpegSegment(0xe0, ramp(14));
  // Where the rest of such a table is taken for fill bytes, a marker comes all the same.
  const table = jpegSegment(0xdb, concat(Uint8Array.of(0), new Uint8Array(64).fill(0xff)));
  const image = jpeg({ before: concat(info, table, table) });
  for (let cut = 6; cut < image.length - 2; cut++) {
    const { frames, error } = split(create(), [image.subarray(0, cut), image]);
    assertEquals(frames, [], `cut at ${cut}`);
    assert(error !== undefined);
  }
});

Deno.test("MjpegSplitter takes a scan without data of an image in arithmetic coding", () => {
  assertWhole(concat(SOI, frameHeader(8, 8, 0xc9), scanHeader(), EOI));
});

Deno.test("MjpegSplitter takes any bytes in a segment for no image", () => {
  const app = jpegSegment(0xe0, ramp(14));
  const table = concat(Uint8Array.of(0), new Uint8Array(64).fill(0xff));
  table.set([0xff, 0xd8, 0xff, 0xd8], 61);
  const preview = concat(jpeg({ before: app }), jpeg({ before: app }));
  for (const segment of [jpegSegment(0xdb, table), jpegSegment(0xe1, preview)]) {
    assertWhole(jpeg({ before: concat(app, segment) }));
  }
});

Deno.test("MjpegSplitter refuses markers and lengths that cannot be", () => {
  const spoiled: [Uint8Array, string][] = [
    [Uint8Array.of(0x12, 0x34), "12 34"],
    [Uint8Array.of(0xff, 0x00), "ff 00"],
    [Uint8Array.of(0xff, 0x02), "ff 02"],
    [Uint8Array.of(0xff, 0xe0, 0, 1), "1"],
    [Uint8Array.of(0xff, 0xc0, 0, 7), "7"],
  ];
  for (const [bytes, found] of spoiled) {
    const { fault } = errorOf(create(), concat(SOI, bytes, EOI));
    assert(fault.found.startsWith(found), fault.found);
    assert(fault.offset === 2 || fault.offset === 4);
  }
});

Deno.test("MjpegSplitter holds no more than the limit and a chunk of an endless image", () => {
  const start = concat(SOI, frameHeader(8, 8), scanHeader());
  for (const filler of [new Uint8Array(64), new Uint8Array(64).fill(0xff)]) {
    assert(bytesUntilError(create(1000), start, filler) <= 1000 + 64);
  }
  const segments = concat(jpegSegment(0xfe, new Uint8Array(60)));
  assert(bytesUntilError(create(1000), SOI, segments) <= 1000 + 64);
});

Deno.test("MjpegSplitter refuses a segment beyond the limit by its length", () => {
  const start = concat(SOI, Uint8Array.of(0xff, 0xe1, 0xff, 0xff));
  assertStringIncludes(errorOf(create(1000), start).message, "--max-frame");
});

Deno.test("readJpegSize knows the size or says that it is not told", () => {
  assertEquals(readJpegSize(jpeg({ width: 65_535, height: 1 })), { width: 65_535, height: 1 });
  assertEquals(readJpegSize(jpeg({ height: 0 })), { width: 16, height: null });
  assertEquals(readJpegSize(concat(SOI, EOI)), { width: null, height: null });
  assertEquals(readJpegSize(jpeg().subarray(0, 8)), { width: null, height: null });
  assertEquals(readJpegSize(bytesOf("JPEG")), undefined);
  assertEquals(readJpegSize(new Uint8Array(0)), undefined);
});
