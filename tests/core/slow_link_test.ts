/** Viewers of a stream coded in time behind links as they are: slow, bursty, far away. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { type Delivered, range, Simulation, stream } from "./samples.ts";

const FRAMES = 2 * 60 * 30;
/** 6.6 Mbit/s: 30 frames a second, key frames once a second and four times as large. */
const VIDEO = {
  startMs: 10,
  intervalMs: 1000 / 30,
  count: FRAMES,
  gop: 30,
  bytes: 25_000,
  keyBytes: 100_000,
};
const TWO_MBITS = 250;

/** The same, in pictures that stand alone. */
const PICTURES = { startMs: 10, intervalMs: 1000 / 30, count: FRAMES, bytes: 25_000 };
/** Time that a picture, and a key frame, takes on the link, in milliseconds. */
const PICTURE_MS = PICTURES.bytes / TWO_MBITS;
const KEY_MS = VIDEO.keyBytes / TWO_MBITS;
/** The first second tells what the way is like. */
const UNKNOWN_MS = 1000;
const ACKS = ["each", "rule"] as const;

function delaysMs(delivered: readonly Delivered[], fromMs = 0): number[] {
  return delivered.filter(({ catchUp, frame }) => !catchUp && frame.receivedMs >= fromMs)
    .map(({ frame, arrivedMs }) => arrivedMs - frame.receivedMs);
}

function p99(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length * 0.99)]!;
}

function shareOf(delivered: readonly Delivered[]): number {
  return delivered.reduce((sum, { bytes }) => sum + bytes, 0) / (TWO_MBITS * 120_000);
}

for (const acks of ACKS) {
  for (const ackMs of [1, 60, 100, 300]) {
    const way = `answers to ${acks} taking ${ackMs} ms`;
    Deno.test(`Stream keeps --max-delay over 2 Mbit/s with pictures that stand alone, ${way}`, () => {
      for (const maxDelayMs of [100, 500, 1000, 5000]) {
        for (const burstBytes of [0, 64_000]) {
          const simulation = new Simulation(stream());
          const link = { bytesPerMs: TWO_MBITS, burstBytes, ackMs, acks, feed: { maxDelayMs } };
          const { delivered } = simulation.view(link);
          simulation.feedFrames(PICTURES);
          simulation.runUntil(121_000);
          const what = `--max-delay ${maxDelayMs}, bursts of ${burstBytes} bytes`;
          const worst = p99(delaysMs(delivered));
          assert(worst <= maxDelayMs + PICTURE_MS, `${what}: ${worst} ms`);
          // A delay that a picture and its answer take up leaves no room for another.
          if (PICTURE_MS + ackMs > maxDelayMs) continue;
          assert(shareOf(delivered) >= 0.85, `${what}: used by ${shareOf(delivered)}`);
        }
      }
    });

    Deno.test(`Stream keeps --max-delay over 2 Mbit/s with a GOP stream, ${way}`, () => {
      for (const maxDelayMs of [100, 500, 1000, 5000]) {
        const simulation = new Simulation(stream());
        const link = { bytesPerMs: TWO_MBITS, burstBytes: 64_000, ackMs, acks };
        const slow = simulation.view({ ...link, feed: { maxDelayMs } });
        const fast = simulation.view({ bytesPerMs: 5000, ackMs: 5, acks });
        simulation.feedCoded(VIDEO);
        simulation.runUntil(121_000);
        const what = `--max-delay ${maxDelayMs}`;
        const worst = p99(delaysMs(slow.delivered, UNKNOWN_MS));
        assert(worst <= maxDelayMs + KEY_MS, `${what}: ${worst} ms`);
        const keys = slow.delivered.filter(({ frame }) => frame.kind === "key");
        // No second without a picture.
        if (maxDelayMs === 500) assertEquals(keys.length, FRAMES / VIDEO.gop);
        if (maxDelayMs >= 500 && ackMs <= 100) {
          assert(shareOf(slow.delivered) >= 0.6, `${what}: used by ${shareOf(slow.delivered)}`);
        }
        assertEquals(fast.delivered.map(({ sequence }) => sequence), range(1, FRAMES));
        if (maxDelayMs <= 1000) assert(Math.max(...delaysMs(fast.delivered)) < 25);
      }
    });
  }

  for (const ackMs of [5, 40, 100, 300]) {
    Deno.test(`Stream loses nothing over a link that is fast enough, answers to ${acks} taking ${ackMs} ms`, () => {
      const feeds: ((simulation: Simulation) => void)[] = [
        (simulation) => simulation.feedFrames(PICTURES),
        (simulation) => simulation.feedCoded(VIDEO),
        // A still picture: a key frame is most of what there is.
        (simulation) => simulation.feedCoded({ ...VIDEO, gop: 120, bytes: 200 }),
      ];
      for (const feed of feeds) {
        for (const bytesPerMs of [3000, 12_500]) {
          const simulation = new Simulation(stream({ fps: "source" }));
          const { delivered } = simulation.view({ bytesPerMs, ackMs, acks });
          feed(simulation);
          simulation.runUntil(121_000);
          assertEquals(delivered.map(({ sequence }) => sequence), range(1, FRAMES));
          const waited = delivered.slice(FRAMES / 10)
            .map(({ sentMs, frame }) => sentMs - frame.receivedMs);
          assertEquals(Math.max(...waited), 0);
        }
      }
    });
  }

  Deno.test(`Stream fills a slow link that is unknown with no more than a second of live frames (${acks})`, () => {
    for (const ackMs of [1, 60, 100, 300]) {
      for (const feedAll of ["feedFrames", "feedCoded"] as const) {
        const simulation = new Simulation(stream());
        const { delivered } = simulation.view({ bytesPerMs: TWO_MBITS, ackMs, acks });
        simulation[feedAll]({ ...VIDEO, count: 120 });
        simulation.runUntil(10_000);
        const worst = Math.max(...delaysMs(delivered));
        const mostMs = feedAll === "feedFrames" ? 800 : 1250;
        assert(worst < mostMs, `${feedAll}, answers taking ${ackMs} ms: ${worst} ms`);
      }
    }
  });
}
