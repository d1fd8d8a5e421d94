/** What stands between frames and Media Source Extensions: the line of time, the queue, the live edge. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import type { StreamConfig } from "../../src/core/frame.ts";
import { boxesOf, boxOf } from "../../src/media/boxes.ts";
import { AppendQueue } from "../../src/player/append_queue.ts";
import type { ReceivedFrame } from "../../src/player/connection.ts";
import { type Fragment, FragmentLine, fragmentType } from "../../src/player/fragments.ts";
import { LiveEdge, oldEndS } from "../../src/player/live_edge.ts";
import { wayName, wayOf } from "../../src/player/ways.ts";

const VP9: StreamConfig = {
  ...{ type: "config", epoch: 1, format: "vp9", codec: "vp09.00.10.08", width: 640, height: 360 },
  ...{ pixelFormat: null, frameRate: null, header: null, session: null, offset: 0 },
};

function frame(
  sequence: number,
  flags: Partial<ReceivedFrame["header"]> = {},
  bytes = 10,
): ReceivedFrame {
  return {
    header: {
      ...{ key: false, configuration: false, discontinuity: false, catchUp: false, leading: false },
      ...{ held: false, epoch: 1, sequence, ptsUs: sequence * 40_000, captureUs: 0, ...flags },
    },
    data: new Uint8Array(bytes),
    receivedUs: 0,
    isNew: true,
  };
}

const KEY = { key: true };

/** The types of the boxes of a fragment, and its time of decoding and duration in microseconds. */
function readFragment({ parts }: Fragment) {
  const bytes = Uint8Array.from(parts.flatMap((part) => [...part]));
  const view = (data: Uint8Array) => new DataView(data.buffer, data.byteOffset, data.length);
  return {
    boxes: [...boxesOf(bytes)].map(({ type }) => type),
    hasEdits: boxOf(bytes, "moov", "trak", "edts") !== undefined,
    decodeUs: Number(view(boxOf(bytes, "moof", "traf", "tfdt")!).getBigUint64(4)),
    durationUs: view(boxOf(bytes, "moof", "traf", "trun")!).getUint32(12),
  };
}

Deno.test("FragmentLine begins with a key frame, and boxes each frame by itself", () => {
  const line = new FragmentLine(VP9);
  assertEquals(line.push(frame(1)), undefined);
  assert(line.needsKey);
  const fragments = [frame(2, KEY), frame(3), frame(4)].map((frame) => line.push(frame)!);
  assertEquals(fragments.map(({ runUs, shownUs }) => [runUs, shownUs]), [
    [0, 0],
    [undefined, 40_000],
    [undefined, 80_000],
  ]);
  const read = fragments.map(readFragment);
  assertEquals(read[0]!.boxes, ["ftyp", "moov", "moof", "mdat"]);
  assertEquals(read[1]!.boxes, ["moof", "mdat"]);
  assertEquals(read.map(({ decodeUs }) => decodeUs), [0, 40_000, 80_000]);
  assertEquals(line.edgeUs, 80_000);
});

Deno.test("FragmentLine leaves no two frames further apart than a browser follows", () => {
  const line = new FragmentLine(VP9);
  let last: { decodeUs: number; durationUs: number } | undefined;
  let shownUs = 0;
  for (const ptsUs of [0, 40_000, 41_000, 900_000, 60_000_000, 60_040_000, 3_600_000_000]) {
    const fragment = line.push(frame(1, { key: ptsUs === 0, ptsUs }))!;
    const read = readFragment(fragment);
    // "Coded frame processing" of Media Source Extensions, step 6.
    if (last !== undefined) assert(read.decodeUs - last.decodeUs <= 2 * last.durationUs);
    assert(fragment.shownUs >= shownUs);
    ({ shownUs } = fragment);
    last = read;
  }
});

Deno.test("FragmentLine puts what comes after a gap behind all that there was", () => {
  const line = new FragmentLine(VP9);
  for (const sequence of [1, 2, 3]) line.push(frame(sequence, { key: sequence === 1 }));
  line.breakOff();
  assertEquals(line.push(frame(4)), undefined);
  // The relay sends the last key frame again, and all that followed it.
  const again = [frame(1, KEY), frame(2), frame(3), frame(4)].map((frame) => line.push(frame)!);
  const { runUs = NaN, shownUs } = again[0]!;
  assert(runUs > 80_000 + readFragment(again[1]!).durationUs, `${runUs}`);
  assertEquals(shownUs, runUs);
  assertEquals(readFragment(again[0]!).boxes, ["ftyp", "moov", "moof", "mdat"]);
  assertEquals(again.map(({ shownUs }) => shownUs - runUs), [0, 40_000, 80_000, 120_000]);
  const restarted = line.push(frame(9, { key: true, discontinuity: true }))!;
  assert(restarted.runUs! > again.at(-1)!.shownUs, "another publisher begins another run");
});

Deno.test("FragmentLine shows pictures in their own order, and knows which are still to come", () => {
  const config: StreamConfig = { ...VP9, format: "h264", codec: "avc1.42C01E" };
  const line = new FragmentLine(config);
  const sps = [0, 0, 1, 0x67, 66, 0xc0, 30, 0xda, 2, 0x80];
  const pps = [0, 0, 1, 0x68, 0xce, 0x38, 0x80];
  const key = { ...frame(0, KEY), data: Uint8Array.from([...sps, ...pps, 0, 0, 1, 0x65, 1, 2]) };
  const first = line.push(key)!;
  // I P B B P B B, as they are decoded.
  const order = [3, 1, 2, 6, 4, 5];
  const rest = order.map((time) => {
    const fragment = line.push(frame(time))!;
    return { shownUs: fragment.shownUs - first.shownUs, edgeUs: line.edgeUs - first.shownUs };
  });
  assertEquals(rest.map(({ shownUs }) => shownUs / 40_000), order);
  assertEquals(rest.at(-1)!.edgeUs, 160_000);
  assertEquals(readFragment(first).hasEdits, false);
});

Deno.test("FragmentLine has nothing for a key frame without what a decoder must know", () => {
  const line = new FragmentLine({ ...VP9, format: "h264", codec: "avc1.42C01E" });
  assertEquals(line.push(frame(1, KEY)), undefined);
  assert(line.needsKey);
});

Deno.test("fragmentType names a codec as the boxes have it, and no other format", () => {
  const type = (format: StreamConfig["format"], codec: string | null) =>
    fragmentType({ ...VP9, format, codec }, "usual");
  assertEquals(type("hevc", "hev1.1.6.L93.B0"), 'video/mp4; codecs="hvc1.1.6.L93.B0"');
  assertEquals(type("av1", null), 'video/mp4; codecs="usual"');
  assertEquals(type("vp8", "vp8"), undefined);
  assertEquals(type("mjpeg", "jpeg"), undefined);
});

function fragment(size: number, runUs?: number): Fragment {
  return { parts: [], size, shownUs: 0, frame: frame(1), ...runUs === undefined ? {} : { runUs } };
}

Deno.test("AppendQueue keeps no more than its bounds, in frames and in bytes", () => {
  const frames = new AppendQueue();
  while (!frames.isOver) frames.push(fragment(1));
  assertEquals(frames.length, 1201);
  const bytes = new AppendQueue();
  while (!bytes.isOver) bytes.push(fragment(1024 * 1024));
  assertEquals(bytes.length, 65);
  assertEquals(bytes.clear(), 65);
  assertEquals([bytes.length, bytes.isOver], [0, false]);
});

Deno.test("AppendQueue hands over what belongs together, and gives up what a new run makes old", () => {
  const queue = new AppendQueue();
  assertEquals(queue.push(fragment(1, 0)), 0);
  queue.push(fragment(2));
  assertEquals(queue.take().map(({ size }) => size), [1, 2]);
  queue.push(fragment(3));
  assertEquals(queue.push(fragment(4, 7)), 1);
  assertEquals(queue.take().map(({ size, runUs }) => [size, runUs]), [[4, 7]]);
  const large = 3 * 1024 * 1024;
  for (let count = 0; count < 3; count++) queue.push(fragment(large));
  assertEquals([queue.take().length, queue.take().length], [1, 1]);
});

/** What an edge decides at once, of a position and how far the newest is ahead in seconds. */
function at(edge: LiveEdge, nowMs: number, aheadS: number, positionS = nowMs / 1000) {
  const { rate, isJump } = edge.next({ nowMs, positionS, edgeS: positionS + aheadS });
  return isJump ? "jump" : rate;
}

Deno.test("LiveEdge plays a little faster until the newest picture is near, and a little slower then", () => {
  const edge = new LiveEdge();
  edge.jumped(0);
  const aheads = [0.1, 0.16, 0.12, 0.11, 0.09, 0.1, 0.4, 0.2, 0.11, 0.06, 0.04, -0.2, 0.06, 0.11];
  assertEquals(
    aheads.map((aheadS, index) => at(edge, 2000 + index * 100, aheadS)),
    [1, 1.05, 1.05, 1.05, 1, 1, 1.1, 1.1, 1.1, 1, 0.95, 0.9, 0.9, 1],
  );
});

Deno.test("LiveEdge jumps where faster would take too long, but not again and again", () => {
  const edge = new LiveEdge();
  edge.jumped(0);
  assertEquals(at(edge, 500, 5), 1.1);
  assertEquals(at(edge, 1000, 5), "jump");
  assertEquals([at(edge, 1100, 5), at(edge, 1999, 5), at(edge, 2000, 5)], [1.1, 1.1, "jump"]);
});

Deno.test("LiveEdge jumps where nothing moves although there is something to show", () => {
  const edge = new LiveEdge();
  edge.jumped(0);
  assertEquals(at(edge, 5000, 0.2, 1), 1.05);
  assertEquals(at(edge, 5700, 0.5, 1), 1.1);
  assertEquals(at(edge, 5701, 0.5, 1), "jump");
  // Where there is nothing newer, standing still is right.
  assertEquals(at(edge, 9000, -0.01, 2), 0.9);
  assertEquals(at(edge, 60_000, -0.01, 2), 0.9);
});

Deno.test("LiveEdge holds on after it was not asked for long, or the clock was set back", () => {
  const edge = new LiveEdge();
  edge.jumped(100_000);
  assertEquals(at(edge, 101_000, 0.1), 1);
  // An hour hidden, in which the position has not moved: one jump, and it goes on.
  assertEquals(at(edge, 3_700_000, 3600, 101), "jump");
  assertEquals(at(edge, 3_700_100, 0.1), 1);
  assertEquals(at(edge, 10, 0.1, 3701), 1);
  assertEquals(at(edge, 600, 2, 3702), 1.1);
  assertEquals(at(edge, 1010, 2, 3703), "jump");
});

Deno.test("oldEndS is in front of a key frame, a while behind what is shown, or nowhere", () => {
  const keysUs = [0, 3, 6, 9, 12].map((keyS) => keyS * 1e6);
  assertEquals(oldEndS({ startS: 0, positionS: 9.9, keysUs }), undefined);
  assertEquals(oldEndS({ startS: 0, positionS: 10.5, keysUs }), 5.999);
  assertEquals(oldEndS({ startS: 0, positionS: 11, keysUs }), 8.999);
  assertEquals(oldEndS({ startS: 3, positionS: 11, keysUs }), undefined);
  // What is shown needs the only key frame, which is long ago.
  assertEquals(oldEndS({ startS: 0, positionS: 100, keysUs: [0] }), undefined);
});

Deno.test("wayOf takes WebCodecs before Media Source, and says why not", () => {
  const facts = {
    ...{ hasWebCodecs: true, isSecure: true, refusal: undefined, hasMediaSource: true },
  };
  const name = (changed: Partial<Parameters<typeof wayOf>[0]>) => {
    const way = wayOf({ ...facts, ...changed });
    return way === undefined ? "none" : wayName(way);
  };
  assertEquals(name({}), "WebCodecs");
  assertEquals(
    name({ hasWebCodecs: false, isSecure: false }),
    "Media Source: this page is not a secure context",
  );
  assertEquals(name({ hasWebCodecs: false }), "Media Source: this browser has no WebCodecs");
  assertEquals(
    name({ refusal: "This browser cannot decode H.265 (hvc1.1)." }),
    "Media Source: this browser cannot decode H.265 (hvc1.1)",
  );
  for (const changed of [{ hasWebCodecs: false }, { refusal: "It cannot." }]) {
    assertEquals(name({ ...changed, hasMediaSource: false }), "none");
  }
});
