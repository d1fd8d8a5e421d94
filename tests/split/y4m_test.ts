// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { bytesOf } from "../../src/bytes/text.ts";
import { MAX_FRAME_LINE_BYTES, Y4mSplitter } from "../../src/split/y4m.ts";
import { MAX_HEADER_BYTES } from "../../src/split/y4m_header.ts";
import { bytesUntilError, concat, errorOf, ramp, split } from "./samples.ts";

function create(maxFrameBytes = 4096): Y4mSplitter {
  return new Y4mSplitter({ maxFrameBytes });
}

function stream(header: string, ...frames: Uint8Array[]): Uint8Array {
  return concat(bytesOf(`${header}\n`), ...frames);
}

function frame(planeBytes: number, line = "FRAME"): Uint8Array {
  return concat(bytesOf(`${line}\n`), ramp(planeBytes));
}

Deno.test("Y4mSplitter gives back the input as header and frames", () => {
  const header = "YUV4MPEG2 W5 H3 F30000:1001 Ip A1:1 C420jpeg XYSCSS=420JPEG";
  const frames = [frame(27), frame(27, "FRAME Ixyz XA=B"), frame(27)];
  const found = split(create(), [stream(header, ...frames)]).frames;
  assertEquals(found.map(({ data }) => data), frames);
  const { config } = found[0]!;
  assertEquals(config, {
    format: "y4m",
    codec: "raw",
    width: 5,
    height: 3,
    pixelFormat: "yuv420p",
    frameRate: 30000 / 1001,
    header,
  });
});

Deno.test("Y4mSplitter derives presentation times from the frame rate", () => {
  const input = stream("YUV4MPEG2 W2 H2 F30000:1001", frame(6), frame(6), frame(6), frame(6));
  assertEquals(split(create(), [input]).frames.map(({ ptsUs }) => ptsUs), [
    0,
    33_367,
    66_733,
    100_100,
  ]);
});

Deno.test("Y4mSplitter has no presentation times where the rate is unknown", () => {
  for (const rate of ["", " F0:0", " F25:0", " F0:1"]) {
    const { frames } = split(create(), [stream(`YUV4MPEG2 W2 H2${rate}`, frame(6))]);
    assertEquals([frames[0]!.ptsUs, frames[0]!.config.frameRate], [null, null]);
  }
});

Deno.test("Y4mSplitter knows the colour spaces, with odd sizes and two bytes a sample", () => {
  const luma = 5 * 3;
  const expected: [string, string, number][] = [
    ["", "yuv420p", luma + 2 * 3 * 2],
    [" C420", "yuv420p", luma + 2 * 3 * 2],
    [" C420jpeg", "yuv420p", luma + 2 * 3 * 2],
    [" C420mpeg2", "yuv420p", luma + 2 * 3 * 2],
    [" C420paldv", "yuv420p", luma + 2 * 3 * 2],
    [" C410", "yuv410p", luma + 2 * 2 * 1],
    [" C411", "yuv411p", luma + 2 * 2 * 3],
    [" C422", "yuv422p", luma + 2 * 3 * 3],
    [" C444", "yuv444p", 3 * luma],
    [" C444alpha", "yuva444p", 4 * luma],
    [" Cmono", "gray", luma],
    [" Cmono10", "gray10le", 2 * luma],
    [" Cmono12", "gray12le", 2 * luma],
    [" Cmono16", "gray16le", 2 * luma],
    [" C420p9", "yuv420p9le", 2 * (luma + 2 * 3 * 2)],
    [" C420p10 XYSCSS=420P10", "yuv420p10le", 2 * (luma + 2 * 3 * 2)],
    [" C422p10", "yuv422p10le", 2 * (luma + 2 * 3 * 3)],
    [" C444p16", "yuv444p16le", 6 * luma],
    [" XYSCSS=422P12", "yuv422p12le", 2 * (luma + 2 * 3 * 3)],
  ];
  for (const [parameter, pixelFormat, bytes] of expected) {
    const header = `YUV4MPEG2 W5 H3 F25:1${parameter}`;
    const { frames, error } = split(create(), [stream(header, frame(bytes), frame(bytes))]);
    assertEquals(error, undefined, parameter);
    assertEquals(frames.map(({ data }) => data.length), [bytes + 6, bytes + 6]);
    assertEquals(frames[0]!.config.pixelFormat, pixelFormat);
  }
});

Deno.test("Y4mSplitter refuses headers that lie", () => {
  const lies: [string, string, string][] = [
    ["H2", "W from 1 to 65535", "no W"],
    ["W2", "H from 1 to 65535", "no H"],
    ["W0 H2", "W from 1 to 65535", '"0"'],
    ["W2 H-2", "H from 1 to 65535", '"-2"'],
    ["W2 H", "H from 1 to 65535", '""'],
    ["W1e3 H2", "W from 1 to 65535", '"1e3"'],
    ["W65536 H2", "W from 1 to 65535", '"65536"'],
    ["W99999999999999999999 H2", "W from 1 to 65535", '"99999999999999999999"'],
    ["W2 H2 C421", "a known colour space", '"421"'],
    ["W2 H2 C420p11", "a known colour space", '"420p11"'],
    ["W2 H2 F25", "a frame rate", '"F25"'],
    ["W2 H2 F-1:1", "a frame rate", '"F-1:1"'],
    ["W65535 H65535", "at most 4096 bytes (--max-frame)", "a frame of"],
  ];
  for (const [parameters, expected, found] of lies) {
    const error = errorOf(create(), stream(`YUV4MPEG2 ${parameters}`, frame(6)));
    assertStringIncludes(error.fault.expected, expected);
    assertStringIncludes(error.fault.found, found);
    assertEquals([error.fault.frame, error.fault.offset], [1, 0]);
  }
});

Deno.test("Y4mSplitter refuses anything but FRAME after the planes", () => {
  const header = "YUV4MPEG2 W2 H2";
  const start = header.length + 1 + 12;
  for (const next of ["YUV4MPEG2 W2 H2\n", "\x01\x02", "FRAMES\n"]) {
    const { frames, error } = split(create(), [stream(header, frame(6), bytesOf(next))]);
    assertEquals(frames.length, 1);
    assertStringIncludes(error!.fault.expected, '"FRAME"');
    assertEquals(error!.fault.frame, 2);
    assert(error!.fault.offset === start || error!.fault.offset === start + 5);
  }
  const { fault } = errorOf(create(), stream(header, frame(7)), frame(7));
  assertStringIncludes(fault.expected, "after the 6 bytes of the previous frame");
  assertStringIncludes(fault.advice ?? "", "2x2 yuv420p");
});

Deno.test("Y4mSplitter refuses a stream without a frame", () => {
  const { fault } = errorOf(create(), stream("YUV4MPEG2 W2 H2"));
  assertStringIncludes(fault.expected, '"FRAME" and 6 bytes');
});

Deno.test("Y4mSplitter bounds its lines", () => {
  const filler = bytesOf("X".repeat(64));
  const start = bytesOf("YUV4MPEG2 ");
  assert(bytesUntilError(create(), start, filler) <= MAX_HEADER_BYTES + 64);
  const frameStart = bytesOf("YUV4MPEG2 W2 H2\nFRAME ");
  const most = frameStart.length + MAX_FRAME_LINE_BYTES + 64;
  assert(bytesUntilError(create(), frameStart, filler) <= most);
});

Deno.test("Y4mSplitter accepts lines at their limits", () => {
  const header = "YUV4MPEG2 W2 H2 ".padEnd(MAX_HEADER_BYTES - 1, "X");
  const line = "FRAME ".padEnd(MAX_FRAME_LINE_BYTES - 1, "X");
  const { frames, error } = split(create(), [stream(header, frame(6, line))]);
  assertEquals([frames.length, error], [1, undefined]);
  assertStringIncludes(errorOf(create(), stream(`${header}X`)).message, "no line feed there");
  assertStringIncludes(
    errorOf(create(), stream("YUV4MPEG2 W2 H2", frame(6, `${line}X`))).message,
    "no line feed there",
  );
});
