// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { StreamError } from "../../src/errors.ts";
import { createInputSplitter } from "../../src/media/input_splitter.ts";
import { H264_DELIMITER } from "../split/nal_samples.ts";
import { concat, ramp } from "../split/samples.ts";
import { h264Shots, readBytes, type Seen, type Shot } from "./files.ts";
import { plainShots } from "./movies.ts";
import { PACKET_BYTES, packetsOf, type TransportOptions } from "./transport.ts";

const HOUR = 3600 * 90_000;
const SHOTS = h264Shots(40, 700);

async function seenOf(options: TransportOptions, shots = SHOTS): Promise<Seen> {
  return await readBytes(concat(...packetsOf(shots, options)));
}

function assertWhole({ frames, error, damaged }: Seen, shots = SHOTS): void {
  assertEquals(error, undefined);
  assertEquals(frames.length, shots.length);
  for (const [index, { data }] of frames.entries()) {
    assertEquals(data, concat(H264_DELIMITER, shots[index]!.data), `frame ${index}`);
  }
  assertEquals(damaged, 0);
}

/** Times of presentation since the first, in milliseconds. */
function timesOf({ frames }: Seen): number[] {
  return frames.map(({ ptsUs }) => Math.round((ptsUs! - frames[0]!.ptsUs!) / 1000));
}

Deno.test("TransportSource gives the frames of MPEG-TS with their times and durations", async () => {
  const seen = await seenOf({});
  assertWhole(seen);
  assertEquals(timesOf(seen), SHOTS.map(({ timeUs }) => timeUs / 1000));
  assertEquals(new Set(seen.frames.map(({ durationUs }) => durationUs)), new Set([40_000]));
  const { format, width, height, frameRate } = seen.frames[0]!.config;
  assertEquals([format, width, height, frameRate], ["h264", 160, 128, 25]);
  assert(seen.frames.every(({ config }) => config === seen.frames[0]!.config), "one object");
});

Deno.test("TransportSource reads packets behind time codes and in front of checksums", async () => {
  assertWhole(await seenOf({ around: [4, 0] }));
  assertWhole(await seenOf({ around: [0, 16] }));
});

Deno.test("TransportSource begins at the first whole packet of a file that lacks its start", async () => {
  for (const around of [[0, 0], [4, 0], [0, 16]] as const) {
    const stride = around[0] + PACKET_BYTES + around[1];
    // The first packets say what the program is made of, and stand there again.
    const packets = packetsOf(SHOTS, { around });
    const file = concat(...packets, ...packets);
    for (const cut of [1, 3, 5, 90, stride - 1, 2 * stride + 7]) {
      const { frames, error, damaged, fault } = await readBytes(file.subarray(cut));
      assertEquals(error, undefined);
      assertEquals(
        frames.slice(-SHOTS.length).map(({ data }) => data),
        SHOTS.map(({ data }) => concat(H264_DELIMITER, data)),
        `${cut} bytes of packets of ${stride} are missing`,
      );
      assertEquals(damaged, 1);
      assertEquals(fault, { frame: 1, why: "there is no MPEG-TS packet at byte 0" });
    }
  }
});

Deno.test("TransportSource tells a packet that came twice from one of a stream joined to another", async () => {
  const packets = packetsOf(SHOTS);
  const twice = packets.flatMap((packet, index) => index > 10 ? [packet, packet] : [packet]);
  assertWhole(await readBytes(concat(...twice)));
  // The video's first packet has the number that its last one before the seam had.
  const last = packets.findLastIndex((packet) => (packet[3]! & 15) === 0);
  const { frames } = await readBytes(concat(...packets.slice(0, last + 1), ...packets));
  assertEquals(frames.at(-SHOTS.length)?.data, concat(H264_DELIMITER, SHOTS[0]!.data));
});

Deno.test("TransportSource counts packets that are missing within a frame", async () => {
  const large = h264Shots(43, 1000);
  const packets = packetsOf(large);
  const { damaged, fault, frames } = await readBytes(
    concat(...packets.slice(0, 60), ...packets.slice(61)),
  );
  assertEquals(frames.length, large.length);
  assertEquals(damaged, 1);
  assertMatch(fault!.why, /^packets are missing before byte 11280$/);
});

for (
  const [what, options] of [
    ["an hour forward", { jump: { at: 20, by: HOUR } }],
    ["an hour back", { start: 2 * HOUR, jump: { at: 20, by: -HOUR } }],
    ["to 0", { start: HOUR, jump: { at: 17, by: -HOUR } }],
    ["over the end of the clock", { start: 2 ** 33 - 20 * 3600 }],
  ] as const
) {
  Deno.test(`TransportSource goes on without a gap where the times jump ${what}`, async () => {
    const seen = await seenOf(options);
    assertWhole(seen);
    assertEquals(timesOf(seen), SHOTS.map(({ timeUs }) => timeUs / 1000));
    assertEquals(new Set(seen.frames.map(({ durationUs }) => durationUs)), new Set([40_000]));
  });
}

Deno.test("TransportSource keeps a gap of some seconds, which is one of the film", async () => {
  const times = timesOf(await seenOf({ jump: { at: 20, by: 5 * 90_000 } }));
  assertEquals(times[20]! - times[15]!, 5200);
});

const junk: readonly (readonly [string, Uint8Array])[] = [
  ["zeros", new Uint8Array(77)],
  ["as many zeros as a packet has", new Uint8Array(PACKET_BYTES)],
  ["bytes that look like packets now and then", ramp(5000)],
  ["sync bytes", new Uint8Array(500).fill(0x47)],
];
for (const [what, bytes] of junk) {
  Deno.test(`TransportSource passes over ${what} between packets, and counts them`, async () => {
    const packets = packetsOf(SHOTS);
    const seen = await readBytes(concat(...packets.slice(0, 60), bytes, ...packets.slice(60)));
    assertEquals(seen.error, undefined);
    assertEquals(seen.frames.length, SHOTS.length);
    const isSpoiled = seen.frames.filter(({ data }, index) =>
      data.length !== SHOTS[index]!.data.length + H264_DELIMITER.length
    ).length;
    // A run of sync bytes passes for packets until it ends.
    assert(isSpoiled <= (what === "sync bytes" ? 2 : 0), `${isSpoiled} frames`);
    assert(seen.damaged > 0);
  });
}

Deno.test("TransportSource goes on behind a packet that is cut, and counts it", async () => {
  for (const kept of [1, 3, 4, 100, 187]) {
    const packets = packetsOf(SHOTS);
    packets[60] = packets[60]!.slice(0, kept);
    const seen = await readBytes(concat(...packets));
    assertEquals(seen.error, undefined);
    assertEquals(seen.frames.length, SHOTS.length, `${kept} bytes are left`);
    const other = seen.frames.filter(({ data }, index) =>
      data.length !== SHOTS[index]!.data.length + H264_DELIMITER.length
    );
    assertEquals(other.length, 1, "only the frame that lacks the packet is another");
    assert(seen.damaged > 0);
  }
});

Deno.test("TransportSource gives what there is of a file that ends anywhere", async () => {
  const file = concat(...packetsOf(SHOTS));
  for (let size = PACKET_BYTES * 8; size < file.length; size += 997) {
    const { frames, error } = await readBytes(file.subarray(0, size));
    if (error !== undefined) assert(error instanceof StreamError, String(error));
    else assert(frames.length > 0 && frames.length <= SHOTS.length);
  }
});

/** How many frames have come when the last packet of each is there, and nothing behind it. */
function comeOf(shots: readonly Shot[], options: TransportOptions): number[] {
  const splitter = createInputSplitter({ format: "mpegts", maxFrameBytes: 100_000 });
  const come: number[] = [];
  let frames = 0;
  const packets = packetsOf(shots, options);
  for (const [index, packet] of packets.entries()) {
    splitter.push(packet);
    while (splitter.next() !== undefined) frames++;
    const next = packets[index + 1];
    const isLast = next === undefined || (next[1]! & 0x40) !== 0;
    if (index > 1 && isLast) come.push(frames);
  }
  return come;
}

Deno.test("TransportSplitter gives a frame at its last byte where PES packets say their length", () => {
  const [said, count] = [(bytes: number) => bytes, 12];
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  for (const bytes of [100, 700]) {
    const shots = h264Shots(count, bytes);
    // The first ones show that lengths are what they say.
    assertEquals(comeOf(shots, { said }).slice(4), numbers.slice(4));
    assert(comeOf(shots, {}).every((come, index) => come < numbers[index]!));
  }
});

/** Bytes of a frame in the packet in which it begins. */
const FIRST_BYTES = PACKET_BYTES - 4 - 19;
const LENGTHS: readonly (readonly [string, TransportOptions])[] = [
  ["say how long they are", { said: (bytes) => bytes }],
  ["say so now and then", { said: (bytes, index) => index % 3 === 0 ? undefined : bytes }],
  ["say too much", { said: (bytes) => bytes + 9 }],
  ["say too little", { said: (bytes) => bytes - 9 }],
  ["say what their first packet has", { said: () => FIRST_BYTES }],
  ["say less than their headers have", { said: () => -12 }],
  ["hold a frame in pieces", {
    said: (bytes) => bytes,
    pieces: (frame) => [frame.subarray(0, 300), frame.subarray(300)],
  }],
];
for (const [what, options] of LENGTHS) {
  Deno.test(`TransportSource gives the same frames where PES packets ${what}`, async () => {
    const seen = await seenOf(options);
    assertWhole(seen);
    assertEquals(timesOf(seen), SHOTS.map(({ timeUs }) => timeUs / 1000));
  });
}

Deno.test("TransportSplitter spoils one frame where lengths were right, and are no more", async () => {
  const late = 20;
  const cases: readonly TransportOptions[] = [
    { said: (bytes, index) => index < late ? bytes : FIRST_BYTES },
    { said: (bytes, index) => index < late || index % 5 > 0 ? bytes : FIRST_BYTES },
    {
      said: (bytes) => bytes,
      pieces: (frame, index) =>
        index < late ? [frame] : [frame.subarray(0, 300), frame.subarray(300)],
    },
  ];
  for (const options of cases) {
    const { frames, error } = await seenOf(options);
    assertEquals(error, undefined);
    assertEquals(frames.length, SHOTS.length + 1, "one is in two pieces");
    const all = concat(...frames.map(({ data }) => data));
    assertEquals(all, concat(...SHOTS.map(({ data }) => concat(H264_DELIMITER, data))));
    assertEquals(frames.at(-1)!.data, concat(H264_DELIMITER, SHOTS.at(-1)!.data));
  }
});

Deno.test("TransportSource follows a size that changes", async () => {
  const shots = [...plainShots(10, [10, 8]), ...plainShots(10, [20, 15])];
  const { frames, error } = await seenOf({}, shots);
  assertEquals(error, undefined);
  assertEquals(frames.map(({ config }) => config.width), shots.map(({ config }) => config.width));
});

Deno.test("TransportSource names sound that it leaves out", async () => {
  const seen = await seenOf({ types: [0x1b, 0x0f] });
  assertWhole(seen);
  assertEquals(seen.notes, ["the sound in movie is left out: a stream carries only video"]);
});

Deno.test("TransportSource says why there is nothing to see, and what to do", async () => {
  const cases: readonly (readonly [TransportOptions, RegExp])[] = [
    [
      { types: [0x02] },
      /its video is coded as MPEG-2, which the relay does not support; try: ffmpeg -i/,
    ],
    [
      { types: [0x10] },
      /its video is coded as MPEG-4 Part 2, which the relay does not support; try/,
    ],
    [{ types: [0x0f] }, /it has no video, only audio; give a file with video$/],
    [{ isScrambled: true }, /it is scrambled \(encrypted\); give a file without encryption$/],
    [{ types: [0x06] }, /it contains no video; try: ffmpeg/],
  ];
  for (const [options, why] of cases) {
    const { frames, error } = await seenOf(options);
    assertEquals(frames.length, 0);
    assert(error instanceof StreamError);
    assertMatch(error.message, why);
  }
});

Deno.test("TransportSource gives frames or one sentence for a file with bits flipped", async () => {
  const file = concat(...packetsOf(SHOTS));
  let seed = 5;
  const random = (limit: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor(seed / 2 ** 31 * limit);
  };
  let most = 0;
  for (let round = 0; round < 200; round++) {
    const damaged = concat(file);
    for (let flips = 2 ** (round % 9); flips > 0; flips--) {
      damaged[random(damaged.length)]! ^= 1 << random(8);
    }
    const { frames, error } = await readBytes(damaged);
    if (error !== undefined) assert(error instanceof StreamError, String(error));
    most = Math.max(most, frames.length);
  }
  assert(most >= SHOTS.length - 1);
});
