/** Streams coded in time: epochs, key frames, credit, memory. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { Budget } from "../../src/core/budget.ts";
import { totalDrops } from "../../src/core/drops.ts";
import { bareConfig, type StreamConfig } from "../../src/core/frame.ts";
import type { StreamFormat } from "../../src/core/stream_format.ts";
import type { Stream } from "../../src/core/stream.ts";
import {
  type Coded,
  codedInput,
  type Delivered,
  feed,
  H264,
  input,
  range,
  Simulation,
  stream,
} from "./samples.ts";

/** Frames a second and bytes of a stream with a key frame a second, which is four times as large. */
const VIDEO = { startMs: 5, intervalMs: 1000 / 30, gop: 30, bytes: 1000, keyBytes: 4000 };

function push(live: Stream, kinds: string, nowMs: number, config: StreamConfig = H264): void {
  for (const kind of kinds) live.push(codedInput(kind as Coded, 10, config), nowMs);
}

/** A stream without a tick, and a viewer that gets everything at once. */
function source(): { live: Stream; delivered: Delivered[] } {
  const simulation = new Simulation(stream({ fps: "source" }));
  const { delivered } = simulation.view({ feed: { unsentBytes: () => 0 } });
  return { live: simulation.stream, delivered };
}

/** For each frame its epoch, with `!` behind it where it is marked as the first, and its kind. */
function seen(delivered: readonly Delivered[]): string {
  return delivered.map(({ frame }) =>
    `${frame.epoch}${frame.discontinuity ? "!" : ""}${frame.kind === "key" ? "k" : "d"}`
  ).join(" ");
}

Deno.test("Stream drops delta frames that come before its first key frame", () => {
  const { live, delivered } = source();
  push(live, "dlddk", 0);
  push(live, "d", 1);
  assertEquals(seen(delivered), "1!k 1d");
  assertEquals([live.dropped.awaiting_key_frame, totalDrops(live.dropped)], [4, 4]);
  assertEquals(live.received.frames, 6);
});

Deno.test("Stream takes nothing in that needs what the publisher has dropped", () => {
  const { live, delivered } = source();
  live.begin({ onFull: "drop" }, 0);
  push(live, "kd", 0);
  live.miss(0);
  push(live, "d", 1);
  live.miss(3);
  push(live, "dd", 2);
  push(live, "kld", 3);
  assertEquals(seen(delivered), "1!k 1d 1d 1k 1d");
  const { publisher, awaiting_key_frame } = live.dropped;
  // Two before the key frame, and the leading one behind it.
  assertEquals([publisher, awaiting_key_frame], [3, 3]);
});

/** Pushes a frame as its publisher numbered it; the stream is told what the publisher left out. */
function publish(live: Stream, kind: Coded, sentAs: number, nowMs = 0): void {
  live.push({ ...codedInput(kind), sentAs }, nowMs);
}

/** For each frame its sequence, the session and the sequence under which it was published. */
function origins(delivered: readonly Delivered[]): [number, string | undefined, number][] {
  return delivered.map(({ sequence, frame: { origin } }) => [
    sequence,
    origin?.session,
    sequence - (origin?.offset ?? 0),
  ]);
}

Deno.test("Stream numbers frames in step with their publisher, also over gaps and other connections", () => {
  const { live, delivered } = source();
  live.begin({ onFull: "wait", session: "a" }, 0);
  publish(live, "k", 500);
  publish(live, "d", 501);
  live.miss(1000);
  publish(live, "k", 1502);
  live.finish();
  live.begin({ onFull: "wait", resumes: true, session: "a" }, 0);
  publish(live, "d", 1503);
  live.finish();
  live.begin({ onFull: "wait", session: "b" }, 0);
  publish(live, "k", 1);
  publish(live, "d", 2);
  const seenOf = origins(delivered);
  assertEquals(seenOf.map(([, ...of]) => of), [
    ["a", 500],
    ["a", 501],
    ["a", 1502],
    ["a", 1503],
    ["b", 1],
    ["b", 2],
  ]);
  const first = seenOf[0]![0];
  assertEquals(seenOf.map(([sequence]) => sequence - first), [0, 1, 1002, 1003, 1004, 1005]);
  assertEquals(live.dropped.publisher, 1000);
  assertEquals(new Set(delivered.map(({ frame }) => frame.origin)).size, 2);
});

Deno.test("Stream stays below 2^53 whatever the first sequence of a publisher is", () => {
  const { live, delivered } = source();
  live.begin({ onFull: "wait", session: "a" }, 0);
  publish(live, "k", Number.MAX_SAFE_INTEGER);
  live.finish();
  live.begin({ onFull: "wait", session: "b" }, 0);
  publish(live, "k", 1);
  assertEquals(origins(delivered).map(([sequence]) => sequence), [1, 2]);
});

Deno.test("Stream begins an epoch where a client without a session comes between, and knows the session after it", () => {
  const { live, delivered } = source();
  live.begin({ onFull: "wait", session: "a" }, 0);
  publish(live, "k", 1);
  live.finish();
  push(live, "dk", 1);
  push(live, "d", 2);
  live.begin({ onFull: "wait", resumes: true, session: "a" }, 0);
  publish(live, "d", 2);
  publish(live, "k", 3);
  assertEquals(seen(delivered), "1!k 2!k 2d 3!k");
  assertEquals(origins(delivered), [[1, "a", 1], [3, undefined, 3], [4, undefined, 4], [
    6,
    "a",
    3,
  ]]);
});

Deno.test("Stream lets out at once what its publisher brings anew, and then follows its tick", () => {
  const simulation = new Simulation(stream({ fps: 10 }));
  const live = simulation.stream;
  const { delivered } = simulation.view();
  live.begin({ onFull: "wait", session: "a" }, 0);
  for (const [index, kind] of [..."kddd"].entries()) {
    live.push({ ...codedInput(kind as Coded), sentAs: 7 + index, catchUp: true }, 0);
  }
  assertEquals(delivered.map(({ catchUp, sentMs }) => [catchUp, sentMs]), [
    [true, 0],
    [true, 0],
    [true, 0],
    [true, 0],
  ]);
  publish(live, "d", 11);
  // Nothing is brought anew behind what is new.
  live.push({ ...codedInput("d"), sentAs: 12, catchUp: true }, 0);
  live.push({ ...codedInput("d"), sentAs: 13 }, 0);
  simulation.runUntil(1000);
  assertEquals(delivered.length, 7);
  const [first, second, third] = delivered.slice(4).map(({ sentMs }) => sentMs);
  assert(second! - first! > 90 && third! - second! > 90, `${first} ${second} ${third} ms`);
});

Deno.test("Stream takes nothing in that needs what was cleared from its queue", () => {
  const live = stream({ fps: 30 });
  push(live, "kddd", 0);
  live.clear("stopped");
  push(live, "dd", 1);
  assertEquals([live.queue.frames, live.dropped.stopped, live.dropped.awaiting_key_frame], [
    0,
    3,
    2,
  ]);
  push(live, "kd", 2);
  assertEquals(live.queue.frames, 2);
});

Deno.test("Stream goes on in its epoch with a publisher that resumes, in the middle of a GOP", () => {
  const { live, delivered } = source();
  live.begin({ onFull: "wait" }, 0);
  live.configure(H264);
  push(live, "kd", 0);
  live.finish();
  live.begin({ onFull: "wait", resumes: true }, 0);
  live.configure({ ...H264 });
  push(live, "ddk", 10, { ...H264 });
  assertEquals(seen(delivered), "1!k 1d 1d 1d 1k");
});

Deno.test("Stream begins an epoch with a publisher that resumes with another configuration", () => {
  const { live, delivered } = source();
  live.begin({ onFull: "wait" }, 0);
  push(live, "kd", 0);
  live.finish();
  live.begin({ onFull: "wait", resumes: true }, 0);
  push(live, "dkd", 10, bareConfig("h264", { width: 64 }));
  assertEquals(seen(delivered), "1!k 1d 2!k 2d");
  assertEquals(live.dropped.awaiting_key_frame, 1);
});

Deno.test("Stream begins an epoch with a new publisher and with a new size, with a key frame each", () => {
  const { live, delivered } = source();
  live.begin({ onFull: "wait" }, 0);
  push(live, "kd", 0);
  live.finish();
  live.begin({ onFull: "wait" }, 0);
  push(live, "ddkd", 10);
  push(live, "dkd", 20, bareConfig("h264", { width: 64 }));
  assertEquals(seen(delivered), "1!k 1d 2!k 2d 3!k 3d");
  assertEquals(live.dropped.awaiting_key_frame, 3);
});

Deno.test("Stream marks the first frame of an epoch that leaves, where the queue has dropped the first", () => {
  // Five frames; one leaves a second.
  const simulation = new Simulation(stream({ fps: 1, bufferMs: 5000 }));
  const live = simulation.stream;
  const { delivered } = simulation.view();
  push(live, "kd", 0);
  push(live, "kddd", 1, bareConfig("hevc"));
  push(live, "k", 2, bareConfig("hevc"));
  assertEquals(live.dropped.queue_frames, 1);
  push(live, "kd", 3, bareConfig("hevc"));
  assertEquals(live.dropped.queue_frames, 5);
  simulation.runUntil(9000);
  assertEquals(seen(delivered), "1!k 2!k 2k 2d");
  assertEquals(delivered.map(({ sequence }) => sequence), [1, 7, 8, 9]);
});

for (
  const [format, fps, frames] of [
    ["h264", 30, 72],
    ["av1", 60, 72],
    ["vp8", 1, 72],
    ["hevc", 1000, 250],
    ["vp9", "source", 72],
    ["mjpeg", 60, 15],
    ["raw", "source", 15],
  ] as [StreamFormat, number | "source", number][]
) {
  Deno.test(`Stream gives a publisher of ${format} that would rather drop credit for ${frames} frames at ${fps}, 100 ms away`, () => {
    const live = stream({ fps });
    live.begin({ onFull: "drop" }, 0);
    live.setRoundTrip(100);
    live.configure(bareConfig(format));
    assertEquals(live.credit({ frames: 0, bytes: 0 }).frames, frames);
  });
}

Deno.test("Stream sends more in a tick, and drops nothing, for a GOP publisher that is ahead of it", () => {
  const live = stream({ fps: 30 });
  const simulation = new Simulation(live);
  const { delivered } = simulation.view();
  live.begin({ onFull: "drop" }, 0);
  live.configure(H264);
  const refused: number[] = [];
  // 60 frames a second; without credit a frame waits for its turn at the publisher.
  const waiting: Coded[] = [];
  for (let n = 0; n < 1800; n++) {
    simulation.at(10 + n * 1000 / 60, () => {
      waiting.push(n % 60 === 0 ? "k" : "d");
      while (waiting.length > 0 && live.received.frames < live.credit(live.received).frames) {
        live.push(codedInput(waiting.shift()!), simulation.nowMs);
      }
      refused.push(waiting.length);
    });
  }
  simulation.runUntil(40_000);
  assertEquals(Math.max(...refused), 0);
  assertEquals(simulation.longest, 0);
  assertEquals(delivered.map(({ sequence }) => sequence), range(1, live.received.frames));
  assertEquals([totalDrops(live.dropped), live.queue.frames], [0, 0]);
  assertEquals(live.received.frames, 1800);
});

Deno.test("Stream brings a bare source of twice its rate to viewers whole and without a standing delay", () => {
  const simulation = new Simulation(stream({ fps: 30 }));
  const { delivered } = simulation.view({ bytesPerMs: 1000 });
  simulation.feedCoded({ ...VIDEO, intervalMs: 1000 / 60, gop: 60, count: 3600 });
  simulation.runUntil(65_000);
  assertEquals(delivered.map(({ sequence }) => sequence), range(1, 3600));
  assertEquals(totalDrops(simulation.stream.dropped), 0);
  const delays = delivered.map(({ frame, sentMs }) => sentMs - frame.receivedMs);
  assert(Math.max(...delays.slice(-300)) < 1000, `${Math.max(...delays.slice(-300))} ms at last`);
});

Deno.test("Stream that a bare source overruns drops whole GOPs, each of which begins with its key frame", () => {
  const simulation = new Simulation(stream({ fps: 30, bufferMs: 1000 }));
  const { delivered } = simulation.view();
  simulation.feedCoded({ ...VIDEO, intervalMs: 1000 / 150, gop: 10, count: 3000 });
  simulation.runUntil(30_000);
  const { dropped, received } = simulation.stream;
  assert(dropped.queue_frames > 1000);
  assertEquals(delivered.length + totalDrops(dropped), received.frames);
  delivered.forEach(({ sequence, frame }, index) => {
    const isNext = sequence === (delivered[index - 1]?.sequence ?? 0) + 1;
    assert(isNext || frame.kind === "key", `delta frame ${sequence} after a gap`);
  });
});

Deno.test("Stream shows a viewer that joins its GOP, and the key frame alone when that became too long", () => {
  const simulation = new Simulation(stream());
  simulation.feedCoded({ ...VIDEO, gop: 1200, count: 1100 });
  simulation.runUntil(20_000);
  const early = simulation.view({ bytesPerMs: 1e6 });
  simulation.runUntil(35_000);
  const late = simulation.view({ bytesPerMs: 1e6 });
  simulation.runUntil(50_000);
  const { catchUp, sequence } = early.delivered[500]!;
  assertEquals([catchUp, sequence], [true, 501]);
  // All there is, the last 500 of them in their own time.
  assertEquals(early.delivered.map(({ sequence }) => sequence), range(1, 1100));
  assert(early.delivered.at(-1)!.catchUp === false);
  assertEquals(late.delivered.map(({ sequence, catchUp }) => [sequence, catchUp]), [[1, true]]);
});

Deno.test("Stream shows the key frame alone of a GOP of more than 1800 frames", () => {
  const simulation = new Simulation(stream({ fps: "source" }));
  push(simulation.stream, "k" + "d".repeat(1799), 0);
  const whole = simulation.view({ bytesPerMs: 1e6 });
  simulation.runUntil(1000);
  assertEquals(whole.delivered.length, 1800);
  push(simulation.stream, "d", 1000);
  assertEquals(simulation.view().delivered.map(({ sequence }) => sequence), [1]);
});

Deno.test("Stream lets a viewer begin with the next key frame where it asks for that", () => {
  const simulation = new Simulation(stream({ fps: "source" }));
  push(simulation.stream, "kd", 0);
  const { delivered } = simulation.view({ from: "live" });
  push(simulation.stream, "dkd", 0);
  assertEquals(delivered.map(({ sequence, catchUp }) => [sequence, catchUp]), [[4, false], [
    5,
    false,
  ]]);
});

Deno.test("Stream holds no more memory for those that come than a GOP has, however long it runs", () => {
  const budget = new Budget(1e9);
  const simulation = new Simulation(stream({ cacheBudget: budget }));
  simulation.view({ bytesPerMs: 1000 });
  simulation.view({ bytesPerMs: 10 });
  simulation.view({ stalledFromMs: 5000 });
  let most = 0;
  simulation.feedCoded({ ...VIDEO, count: 9000 });
  for (let ms = 0; ms < 300_000; ms += 100) {
    simulation.at(ms, () => most = Math.max(most, budget.used));
  }
  simulation.runUntil(301_000);
  // A GOP, and what viewers may be behind.
  assert(most <= 2 * (29 * 1000 + 4000), `${most} bytes`);
  simulation.stream.close();
  assertEquals(budget.used, 0);
});

Deno.test("Stream bounds what it holds for a viewer that may be behind for a minute, key frames too", () => {
  const budget = new Budget(100_000);
  const live = stream({ fps: "source", cacheBudget: budget });
  const viewer = feed({ maxDelayMs: 60_000, send: () => {} });
  live.join(viewer, 0);
  // Four frames are under way, and the viewer stands at the fifth, which is not late for long.
  const kinds = "kdddd" + "kd".repeat(1000);
  const pushed = [...kinds].map((kind) => codedInput(kind as Coded, kind === "k" ? 70_000 : 10));
  for (const [index, each] of pushed.entries()) live.push(each, index * 10);
  const held = pushed.reduce((sum, { data }) => sum + data.byteLength, 0);
  // The newest key frame, and within the budget those before it; small frames are not freed at once.
  assert(held <= 70_000 + 100_000 + 1004 * 10, `${held} bytes`);
  assert(viewer.dropped.memory > 0);
});

Deno.test("Stream gives memory back to the others when it is closed, and holds none for standing pictures", () => {
  const budget = new Budget(1e9);
  const one = stream({ fps: "source", cacheBudget: budget });
  const two = stream({ fps: "source", cacheBudget: budget });
  const three = stream({ fps: "source", cacheBudget: budget });
  push(one, "kddd", 0);
  push(two, "kdd", 0);
  for (let n = 0; n < 10; n++) three.push(input(500), n);
  assertEquals(budget.used, 50);
  one.close();
  assertEquals(budget.used, 20);
  two.close();
  two.close();
  three.close();
  assertEquals(budget.used, 0);
});
