// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { FlightWindow } from "../../src/core/flight_window.ts";
import { Simulation, stream } from "./samples.ts";

function windowOf(maxDelayMs = 500, maxBytes = 1e9): FlightWindow {
  return new FlightWindow({ maxDelayMs, maxBytes });
}

Deno.test("FlightWindow is open while nothing is under way", () => {
  const window = windowOf(1, 1);
  assert(window.isOpen(0));
  window.sent(1, 1_000_000, 0);
  assert(!window.isOpen(0));
  assertEquals(window.acknowledge(1, 60_000), 1_000_000);
  assert(window.isOpen(60_000));
});

/** How many frames of 1000 bytes may be sent at `nowMs`. */
function fill(window: FlightWindow, first: number, nowMs: number, waitedMs = 0): number {
  let count = 0;
  while (window.isOpen(nowMs, waitedMs)) window.sent(first + count++, 1000, nowMs);
  return count;
}

/** A window over a way that is known to be full, of 100 bytes a millisecond. */
function full(maxDelayMs = 500): FlightWindow {
  const window = windowOf(maxDelayMs);
  window.sent(1, 10, 0);
  window.acknowledge(1, 10);
  window.sent(2, 40_000, 10);
  window.acknowledge(2, 410);
  return window;
}

Deno.test("FlightWindow lets four frames go at once over an unknown way, and more with time", () => {
  const window = windowOf();
  assertEquals(fill(window, 1, 0), 4);
  assertEquals(fill(window, 5, 14), 0);
  assertEquals(fill(window, 5, 15), 1);
  assertEquals(fill(window, 6, 349), 22);
  // No word for so long: a queue may stand on the way.
  assert(!window.isOpen(350));
});

Deno.test("FlightWindow lets four catch-up frames go over an unknown way, however long they take", () => {
  const window = windowOf();
  for (let sequence = 1; sequence <= 4; sequence++) {
    assert(window.isOpenForCatchUp(100), `frame ${sequence}`);
    window.sent(sequence, 1000, 0);
  }
  assert(!window.isOpenForCatchUp(300));
  window.acknowledge(1, 300);
  assert(window.isOpenForCatchUp(300));
  window.sent(5, 1000, 300);
  assert(!window.isOpenForCatchUp(300));
});

Deno.test("FlightWindow does not close for a large frame on a way on which none has queued", () => {
  const window = windowOf();
  for (let n = 0; n < 40; n++) {
    window.sent(n + 1, 100, n * 33);
    window.acknowledge(n + 1, n * 33 + 40);
  }
  assert(window.rate < 10);
  window.sent(41, 100_000, 2000);
  for (let n = 1; n <= 3; n++) {
    assert(window.isOpen(2000 + n * 33), `frame ${n} behind it`);
    window.sent(41 + n, 100, 2000 + n * 33);
  }
  // Longer than the round trip, and the time for which a viewer may hold its acknowledgement.
  assert(window.isOpen(2000 + 40 + 125 + 62));
  assert(!window.isOpen(2000 + 40 + 125 + 63));
});

Deno.test("FlightWindow closes for a large frame on a way on which one has queued", () => {
  const window = full();
  window.sent(3, 30_000, 500);
  assert(!window.isOpen(500));
  // What is left of it by then takes 45 % of the delay and the round trip.
  assert(!window.isOpen(565));
  assert(window.isOpen(566));
  // A delta frame that is given up costs more.
  assert(window.isOpen(500, 0, "delta"));
});

Deno.test("FlightWindow takes a way for one without a queue again after thirty frames without", () => {
  const window = full();
  for (let n = 0; n < 30; n++) {
    window.sent(3 + n, 30_000, 1000 + n * 33);
    assert(!window.isOpen(1000 + n * 33), `after ${n} frames`);
    window.acknowledge(3 + n, 1005 + n * 33);
  }
  window.sent(33, 30_000, 3000);
  assert(window.isOpen(3000));
});

Deno.test("FlightWindow lets one frame be under way, however slow the viewer is", () => {
  const window = windowOf(10);
  window.sent(1, 1000, 0);
  window.acknowledge(1, 100_000);
  assert(window.isOpen(100_000, 60_000));
  window.sent(2, 1000, 100_000);
  window.acknowledge(2, 300_000);
  window.sent(3, 1000, 300_000);
  assert(!window.isOpen(300_000));
  assert(!window.isOpen(400_000));
});

Deno.test("FlightWindow lets as much go as the measured rate carries within a part of the delay", () => {
  const window = full();
  // 100 bytes a millisecond for 225 ms, and the round trip of 10 ms.
  assertEquals(fill(window, 3, 410), 24);
  assertEquals([window.frames, window.bytes], [24, 24_000]);
});

Deno.test("FlightWindow takes what has had the time for it for arrived, though it is not confirmed", () => {
  const window = full();
  fill(window, 3, 410);
  assertEquals(fill(window, 27, 450), 4);
  // A viewer keeps no acknowledgement to itself for longer than a quarter of the delay.
  assertEquals(fill(window, 31, 535), 8);
  assertEquals(fill(window, 39, 660), 0);
});

Deno.test("FlightWindow closes while its oldest frame is late by half the delay", () => {
  const window = full();
  window.sent(3, 1000, 430);
  window.sent(4, 1000, 600);
  assert(window.isOpen(689));
  assert(!window.isOpen(690));
  assertEquals(window.ageMs(690), 260);
  window.acknowledge(3, 710);
  assert(window.isOpen(710));
  assertEquals(window.ageMs(710), 110);
});

Deno.test("FlightWindow takes off the time that the viewer has held a frame before it said so", () => {
  const window = windowOf();
  const times = { receivedMs: 0, captureAgeMs: 40 };
  window.sent(1, 1000, 5, times);
  window.sent(2, 1000, 10, times);
  window.acknowledge(2, 110, 80);
  assertEquals(window.latency, { totalMs: 70, relayMs: 10, roundTripMs: 20 });
  // From 5 to 30.
  assertEquals(window.rate, 80);
  // Nothing arrives before it is sent, whatever a viewer says.
  window.sent(3, 1000, 200, times);
  window.acknowledge(3, 210, 1000);
  assertEquals(window.latency, { totalMs: 240, relayMs: 200, roundTripMs: 0 });
});

Deno.test("FlightWindow tells for how long nothing was confirmed of what is under way", () => {
  const window = windowOf();
  assertEquals(window.stalledMs(1000), 0);
  window.sent(1, 10, 1000);
  window.sent(2, 10, 1500);
  assertEquals(window.stalledMs(4000), 3000);
  window.acknowledge(1, 4000);
  assertEquals([window.stalledMs(4100), window.ageMs(4100)], [100, 2600]);
  window.acknowledge(2, 4200);
  assertEquals(window.stalledMs(9000), 0);
});

Deno.test("FlightWindow takes a long round trip for no queue", () => {
  const window = windowOf(500);
  // A frame every 30 ms, confirmed after 300 ms.
  for (let n = 0; n < 60; n++) {
    const nowMs = n * 30;
    if (nowMs >= 300) window.acknowledge(n - 9, nowMs);
    assert(window.isOpen(nowMs), `frame ${n}`);
    window.sent(n + 1, 25_000, nowMs);
  }
});

Deno.test("FlightWindow takes off what a frame has waited already", () => {
  // 100 bytes a millisecond for the 100 ms that are left of 235.
  assertEquals(fill(full(), 3, 410, 135), 10);
});

Deno.test("FlightWindow tells how long the last frame took, where its times say that", () => {
  const window = windowOf();
  window.sent(1, 10, 105, { receivedMs: 100, captureAgeMs: 40 });
  window.sent(2, 10, 106);
  assertEquals(window.latency, undefined);
  window.acknowledge(1, 125);
  const latency = { totalMs: 65, relayMs: 5, roundTripMs: 20 };
  assertEquals(window.latency, latency);
  window.acknowledge(2, 999);
  assertEquals(window.latency, latency);
});

Deno.test("FlightWindow closes at its limit in bytes and in frames", () => {
  const window = windowOf(500, 10_000);
  window.sent(1, 9999, 0);
  assert(window.isOpen(0));
  window.sent(2, 1, 0);
  assert(!window.isOpen(0));
  const many = windowOf(60_000);
  many.sent(1, 1_000_000, 0);
  many.acknowledge(1, 0);
  let sequence = 1;
  while (many.isOpenForCatchUp(0)) many.sent(++sequence, 1, 0);
  assertEquals(many.frames, 1024);
});

Deno.test("FlightWindow confirms everything up to the acknowledged frame", () => {
  const window = windowOf();
  for (const sequence of [3, 5, 9]) window.sent(sequence, sequence, 0);
  assertEquals(window.acknowledge(5, 7), 8);
  assertEquals([window.frames, window.bytes], [1, 9]);
  assertEquals(window.acknowledge(9, 8), 9);
  assertEquals([window.frames, window.bytes, window.ageMs(99)], [0, 0, 0]);
});

Deno.test("FlightWindow does not know repeated and invented acknowledgements", () => {
  const window = windowOf();
  assertEquals(window.acknowledge(1, 0), undefined);
  window.sent(4, 10, 0);
  window.sent(5, 10, 0);
  assertEquals(window.acknowledge(3, 0), undefined);
  assertEquals(window.acknowledge(6, 0), undefined);
  assertEquals(window.acknowledge(4, 0), 10);
  assertEquals(window.acknowledge(4, 0), undefined);
  assertEquals([window.frames, window.bytes], [1, 10]);
});

Deno.test("FlightWindow confirms what has left a socket that tells its unsent bytes", () => {
  const window = windowOf();
  for (let sequence = 1; sequence <= 3; sequence++) window.sent(sequence, 100, 0);
  assertEquals(window.confirmAllBut(300, 1), 0);
  assertEquals(window.confirmAllBut(201, 1), 0);
  assertEquals(window.confirmAllBut(200, 1), 100);
  assertEquals(window.confirmAllBut(0, 2), 200);
  assertEquals(window.confirmAllBut(0, 3), 0);
  assertEquals(window.frames, 0);
});

Deno.test("FlightWindow measures the rate over the time in which something is under way", () => {
  const window = windowOf(500);
  // Ten frames of 1000 bytes, 20 ms each: the time between them does not count.
  for (let n = 0; n < 10; n++) {
    window.sent(n + 1, 1000, n * 1000);
    assertEquals(window.acknowledge(n + 1, n * 1000 + 20), 1000);
  }
  assert(Math.abs(window.rate - 50) < 0.01, `${window.rate}`);
});

Deno.test("FlightWindow is not deceived for long by a burst that a slow link lets through", () => {
  const window = windowOf(500);
  let sequence = 0;
  const deliver = (bytes: number, sentMs: number, ms: number) => {
    window.sent(++sequence, bytes, sentMs);
    window.acknowledge(sequence, sentMs + ms);
  };
  deliver(64_000, 0, 1);
  assert(window.rate > 10_000);
  // From here on 250 bytes a millisecond.
  for (let n = 0; n < 20; n++) deliver(25_000, 1 + n * 100, 100);
  assert(window.rate < 300, `${window.rate}`);
  for (let n = 20; n < 60; n++) deliver(25_000, 1 + n * 100, 100);
  assert(Math.abs(window.rate - 250) < 1, `${window.rate}`);
});

Deno.test("FlightWindow counts frames and bytes right, whatever is sent and confirmed", () => {
  const operation = fc.record({
    bytes: fc.integer({ min: 0, max: 1000 }),
    ack: fc.option(fc.integer({ min: 0, max: 60 })),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200, size: "max" }), (operations) => {
      const window = windowOf();
      let model: { sequence: number; bytes: number }[] = [];
      operations.forEach(({ bytes, ack }, index) => {
        window.sent(index + 1, bytes, index);
        model.push({ sequence: index + 1, bytes });
        if (ack !== null) {
          const sequence = index + 6 - ack;
          const isKnown = sequence >= model[0]!.sequence && sequence <= index + 1;
          const confirmed = model.filter((flight) => flight.sequence <= sequence);
          if (isKnown) model = model.filter((flight) => flight.sequence > sequence);
          assertEquals(
            window.acknowledge(sequence, index),
            isKnown ? confirmed.reduce((sum, flight) => sum + flight.bytes, 0) : undefined,
          );
          if (model.length === 0) assertEquals(window.isOpen(index), true);
        }
        assertEquals(window.frames, model.length);
        assertEquals(window.bytes, model.reduce((sum, flight) => sum + flight.bytes, 0));
      });
    }),
    { seed: 1, numRuns: 200 },
  );
});

for (const ackMs of [1, 60]) {
  Deno.test(`FlightWindow keeps the delay of a 2 Mbit/s link flat, answers taking ${ackMs} ms`, () => {
    const simulation = new Simulation(stream());
    const { delivered } = simulation.view({ bytesPerMs: 250, ackMs });
    simulation.feedFrames({ startMs: 10, intervalMs: 1000 / 30, count: 60 * 30, bytes: 25_000 });
    simulation.runUntil(61_000);
    const delays = delivered.map(({ frame, arrivedMs }) => arrivedMs - frame.receivedMs);
    const worst = Math.max(...delays);
    assert(worst < 1000, `worst delay ${worst} ms`);
    const mean = (some: number[]) => some.reduce((sum, ms) => sum + ms, 0) / some.length;
    const third = Math.floor(delays.length / 3);
    assert(mean(delays.slice(-third)) < mean(delays.slice(third, 2 * third)) + 20);
    // The link carries ten frames a second, and is not left idle.
    assert(delivered.length > 570, `${delivered.length} frames arrived in 60 s`);
  });
}

Deno.test("FlightWindow does not take a way that stays full for a long one", () => {
  const window = full();
  // For 20 seconds, nothing comes faster than in 400 ms.
  for (let n = 0; n < 50; n++) {
    window.sent(3 + n, 40_000, 1000 + n * 400);
    window.acknowledge(3 + n, 1400 + n * 400);
  }
  assertEquals(fill(window, 200, 21_400), 24);
});
