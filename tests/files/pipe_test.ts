// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type SourceFrame, SplitSource } from "../../src/files/frame_source.ts";
import { StreamError } from "../../src/errors.ts";
import { createInputSplitter } from "../../src/media/input_splitter.ts";
import { h264Shots } from "../media/files.ts";
import { packetsOf, type TransportOptions } from "../media/transport.ts";
import { H264_DELIMITER } from "../split/nal_samples.ts";
import { concat, jpeg, ramp } from "../split/samples.ts";

/** An input that a test writes to. */
function input() {
  let controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (given) => void (controller = given),
  });
  return {
    stream,
    write: (bytes: Uint8Array<ArrayBuffer>) => controller.enqueue(bytes),
    end: () => controller.close(),
  };
}

const SHOTS = h264Shots(43);
const FRAMES = SHOTS.map(({ data }) => concat(H264_DELIMITER, data));

function open(isStrict = false) {
  const pipe = input();
  const said: string[] = [];
  const options = { maxFrameBytes: 100_000, resyncs: !isStrict };
  const splitter = createInputSplitter({ format: "auto", ...options });
  const source = new SplitSource(pipe.stream, splitter, "standard input", {
    isStrict,
    onDamage: ({ offset, expected, found }) => said.push(`${offset}: ${expected}, ${found}`),
  });
  return { pipe, said, source };
}

async function framesOf(source: SplitSource): Promise<SourceFrame[]> {
  const frames: SourceFrame[] = [];
  for (let frame = await source.next(); frame; frame = await source.next()) frames.push(frame);
  return frames;
}

const LAYOUTS: readonly (readonly [string, TransportOptions])[] = [
  ["packets of 188 bytes", {}],
  ["packets of 192 bytes (M2TS)", { around: [4, 0] }],
  ["packets of 204 bytes", { around: [0, 16] }],
];

for (const [what, options] of LAYOUTS) {
  for (const cut of [0, 1, 5, 100, 187]) {
    Deno.test(`A pipe plays MPEG-TS in ${what} that lacks its first ${cut} bytes`, async () => {
      const file = concat(...packetsOf(SHOTS, options));
      // A recording repeats what the program is made of; the first packets say it here.
      const whole = concat(file.subarray(0, file.length), file).subarray(cut);
      const { pipe, said, source } = open();
      const frames = framesOf(source);
      for (let at = 0; at < whole.length; at += 1000) pipe.write(whole.slice(at, at + 1000));
      pipe.end();
      const seen = (await frames).map(({ data }) => data);
      assertEquals(seen.slice(-SHOTS.length), FRAMES);
      const isDamaged = cut > 0;
      assertEquals(source.damaged > 0, isDamaged, said.join());
      if (isDamaged) {
        assertMatch(said[0]!, /^0: a packet of MPEG-TS, other bytes/);
      }
    });
  }

  Deno.test(`A pipe gives the last frame of MPEG-TS in ${what} when the pipe falls silent`, async () => {
    const { pipe, source } = open();
    const packets = packetsOf(SHOTS, options);
    const last = packets.findIndex((_, index) =>
      concat(...packetsOf(SHOTS.slice(0, 21), options)).length ===
        concat(...packets.slice(0, index)).length
    );
    pipe.write(concat(...packets.slice(0, last)));
    for (const frame of FRAMES.slice(0, 21)) assertEquals((await source.next())?.data, frame);
    pipe.write(concat(...packets.slice(last)));
    pipe.end();
    assertEquals((await framesOf(source)).map(({ data }) => data), FRAMES.slice(21));
  });
}

Deno.test("A pipe that is strict ends where MPEG-TS begins within a packet", async () => {
  const { pipe, source } = open(true);
  const packets = packetsOf(SHOTS);
  pipe.write(concat(...packets, ...packets).slice(9));
  pipe.end();
  await assertRejects(
    () => source.next(),
    StreamError,
    "Cannot read frame 1 at byte 0: expected a packet of MPEG-TS, found other bytes",
  );
});

Deno.test("A pipe gives frames of other formats as soon as they have come", async () => {
  for (const front of [new Uint8Array(0), ramp(40)]) {
    const { pipe, source } = open();
    const image = jpeg();
    pipe.write(concat(front, image));
    assertEquals((await source.next())?.data, image);
    pipe.write(image);
    assertEquals((await source.next())?.data, image);
    pipe.end();
    assertEquals(await source.next(), undefined);
  }
});

Deno.test("A pipe says what to do about MPEG-TS that holds no video for it", async () => {
  const { pipe, source } = open();
  pipe.write(concat(...packetsOf(SHOTS, { types: [0x02] })));
  pipe.end();
  const error = await assertRejects(() => source.next(), StreamError);
  assertMatch(
    error.message,
    /found video that is coded as MPEG-2; let ffmpeg convert it: ffmpeg -i INPUT/,
  );
});

Deno.test("A pipe that is stopped gives nothing more, before it knows the format and after", async () => {
  for (const bytes of [new Uint8Array(0), concat(...packetsOf(SHOTS))]) {
    const { pipe, source } = open();
    if (bytes.length > 0) {
      pipe.write(bytes);
      assert(await source.next() !== undefined);
    }
    const next = bytes.length > 0 ? undefined : source.next();
    source.stop();
    assertEquals(await next, undefined);
    assertEquals(await source.next(), undefined);
  }
});
