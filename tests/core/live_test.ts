/** A live source stays live: the rows of `deno task bench live`, in simulated time. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { bareConfig } from "../../src/core/frame.ts";
import type { FrameInput } from "../../src/core/numbering.ts";
import { type Left, made, type Pause, quantile, runLive } from "./live_simulation.ts";
import { codedInput, input, range, stream } from "./samples.ts";

const H264_60 = bareConfig("h264", { frameRate: 60 });

const SOURCES: Readonly<Record<string, (index: number) => FrameInput>> = {
  mjpeg: () => input(),
  h264: (index) => codedInput(index % 30 === 0 ? "k" : "d"),
  lp32: () => input(10, bareConfig("lp32")),
};

function assertWhole(left: readonly Left[], frames: number): void {
  assertEquals(left.map(({ index }) => index), range(0, frames - 1));
}

for (const fps of [1, 5, 24, 25, 29.97, 30, 30.3, 31.5]) {
  for (const jitterMs of [0, 10]) {
    for (const [name, frame] of Object.entries(SOURCES)) {
      Deno.test(`Stream at 30 adds nothing to ${name} of ${fps} frames a second with ${jitterMs} ms of jitter`, () => {
        const madeMs = made({ fps, seconds: 60, jitterMs });
        const left = runLive({ stream: stream(), madeMs, frame });
        assertWhole(left, madeMs.length);
        assert(quantile(left, 0.5) <= 1, `median ${quantile(left, 0.5)} ms`);
        assert(quantile(left, 0.99) <= 33, `p99 ${quantile(left, 0.99)} ms`);
      });
    }
  }
}

const PAUSES: Readonly<Record<string, (pause: Pause) => object>> = {
  "the relay": (relayStops) => ({ relayStops }),
  "the publisher": (publisherStops) => ({ publisherStops }),
  "the network": (networkStops) => ({ networkStops }),
  "the source": () => ({}),
};

for (const [who, options] of Object.entries(PAUSES)) {
  for (const pauseMs of [300, 1000, 2000, 10_000, 60_000]) {
    for (const fps of [24, 30, 30.3, 31.5]) {
      Deno.test(`Stream at 30 is live again after ${who} stood still for ${pauseMs} ms, source ${fps}`, () => {
        const pause = { fromMs: 5000, toMs: 5000 + pauseMs };
        const isSource = who === "the source";
        const madeMs = made({ fps, seconds: 75, jitterMs: 5 });
        // What the source has meanwhile it has at once afterwards.
        const written = isSource
          ? madeMs.map((ms) => ms >= pause.fromMs && ms < pause.toMs ? pause.toMs : ms)
          : madeMs;
        const left = runLive({ stream: stream(), madeMs: written, ...options(pause) });
        assertWhole(left, madeMs.length);
        const late = left.filter(({ leftMs }) => leftMs > pause.toMs + 1000);
        assert(quantile(late, 1) < 33, `${quantile(late, 1)} ms later`);
      });
    }
  }
}

Deno.test("Stream at 30 is live again after each of many hiccups of a source", () => {
  let heldMs = 0;
  const madeMs = made({ fps: 30, seconds: 60, jitterMs: 3 }).map((ms, index) => {
    if (index % 97 === 50) heldMs = ms + 300;
    return Math.max(ms, heldMs);
  });
  const left = runLive({ stream: stream(), madeMs });
  assertWhole(left, madeMs.length);
  assert(quantile(left, 1) < 1, `${quantile(left, 1)} ms at most`);
});

for (const burst of [2, 6, 15, 28]) {
  Deno.test(`Stream at 30 is live a second and a half after a source that begins with ${burst} frames at once`, () => {
    const madeMs = made({ fps: 30, seconds: 30, jitterMs: 3 })
      .map((ms, index) => index < burst ? 50 + index / 10 : ms - (burst - 1) * 33);
    const left = runLive({ stream: stream(), madeMs });
    assertWhole(left, madeMs.length);
    const late = left.filter(({ madeMs }) => madeMs > 1550);
    assert(quantile(late, 1) < 33, `${quantile(late, 1)} ms later`);
  });
}

Deno.test("Stream at 30 sends every second picture of 60 a second, evenly, where they may be dropped", () => {
  for (const jitterMs of [0, 3]) {
    const madeMs = made({ fps: 60, seconds: 60, jitterMs });
    const subject = stream();
    const left = runLive({ stream: subject, madeMs, onFull: "drop" });
    assertAlmostEquals(left.length, 1800, 5);
    assertEquals(left.length + subject.dropped.stream_fps, madeMs.length);
    assert(quantile(left, 0.5) <= 17, `median ${quantile(left, 0.5)} ms`);
    assert(quantile(left, 0.99) <= 40, `p99 ${quantile(left, 0.99)} ms`);
    const steps = left.slice(20).map(({ index }, n) => index - left[n + 19]!.index);
    const uneven = steps.filter((step) => step !== 2).length;
    assert(uneven <= 0.01 * steps.length, `${uneven} of ${steps.length} steps are not of two`);
  }
});

Deno.test("Stream at 30 drops nothing of 30 and 31.5 pictures a second that may be dropped", () => {
  for (const fps of [24, 30, 30.3, 31.5]) {
    const madeMs = made({ fps, seconds: 60, jitterMs: 10 });
    const left = runLive({ stream: stream(), madeMs, onFull: "drop" });
    assertWhole(left, madeMs.length);
    assert(quantile(left, 0.99) <= 33, `p99 ${quantile(left, 0.99)} ms`);
  }
});

Deno.test("Stream at 30 sends the last picture of a source that is dropped from and falls silent", () => {
  const madeMs = made({ fps: 60, seconds: 5 });
  const left = runLive({ stream: stream(), madeMs, onFull: "drop" });
  assertEquals(left.at(-1)!.index, madeMs.length - 1);
});

Deno.test("Stream at 30 brings video of 60 frames a second at real speed", () => {
  const frame = (index: number) => codedInput(index % 60 === 0 ? "k" : "d", 10, H264_60);
  for (const onFull of ["wait", "drop"] as const) {
    const madeMs = made({ fps: 60, seconds: 60, jitterMs: 3 });
    const left = runLive({ stream: stream(), madeMs, frame, onFull });
    assertWhole(left, madeMs.length);
    assert(quantile(left, 0.99) <= 17, `p99 ${quantile(left, 0.99)} ms`);
  }
});

Deno.test("Stream at 30 slows 60 pictures a second down that must not be lost, and lets few wait", () => {
  const subject = stream();
  const madeMs = made({ fps: 60, seconds: 20 });
  const left = runLive({ stream: subject, madeMs });
  assertWhole(left, madeMs.length);
  const steady = left.slice(100).map(({ leftMs }, n) => leftMs - left[n + 99]!.leftMs);
  for (const stepMs of steady) assertAlmostEquals(stepMs, 1000 / 30, 1e-6);
  assertEquals([subject.isLive, subject.livenessReason], [false, "held"]);
});

for (const wayMs of [0.1, 5, 100]) {
  Deno.test(`Stream at 50 lets a file out every 20 ms from its first frame on, ${wayMs} ms away`, () => {
    const madeMs = Array.from({ length: 3000 }, () => 0);
    const left = runLive({ stream: stream({ fps: 50 }), madeMs, wayMs });
    assertWhole(left, 3000);
    const first = left[0]!.leftMs;
    left.forEach(({ leftMs }, n) => assertAlmostEquals(leftMs, first + n * 20, 1e-6));
  });

  Deno.test(`Stream at 30 lets the frames of an encoder of 100 a second out on its tick, ${wayMs} ms away`, () => {
    const left = runEncoder(10, wayMs);
    const steady = left.slice(60);
    steady.slice(1).forEach(({ leftMs }, n) =>
      assertAlmostEquals(leftMs - steady[n]!.leftMs, 1000 / 30, 1e-6)
    );
  });

  for (const onFull of ["wait", "drop"] as const) {
    Deno.test(`Stream at 30 loses nothing of a source ${wayMs} ms away that would rather ${onFull}`, () => {
      const madeMs = made({ fps: 30, seconds: 60, jitterMs: 3 });
      const left = runLive({ stream: stream(), madeMs, wayMs, onFull });
      assertWhole(left, madeMs.length);
      assert(quantile(left, 0.99) <= wayMs + 33, `p99 ${quantile(left, 0.99)} ms`);
    });
  }
}

/** An encoder that is faster than the tick: it begins with the next frame when one is read. */
function runEncoder(encodeMs: number, wayMs: number): Left[] {
  // It can make a frame every so often, and has the next one ready when it must wait.
  const madeMs = Array.from({ length: 1500 }, (_, n) => 200 + n * encodeMs);
  return runLive({ stream: stream(), madeMs, wayMs });
}

Deno.test("Stream at 30 never bunches a file behind a pause of the relay or of its publisher", () => {
  for (const who of ["relayStops", "publisherStops"]) {
    for (const pauseMs of [200, 1000, 10_000]) {
      const madeMs = Array.from({ length: 600 }, () => 0);
      const pause = { [who]: { fromMs: 3000, toMs: 3000 + pauseMs } };
      const left = runLive({ stream: stream(), madeMs, ...pause });
      assertWhole(left, 600);
      const steps = left.slice(1).map(({ leftMs }, n) => leftMs - left[n]!.leftMs);
      const short = steps.filter((stepMs) => stepMs < 1000 / 30 - 1e-6);
      // A frame that has waited behind a pause leaves with the tick that follows.
      assert(short.length <= 1, `${short.length} steps are shorter than the tick`);
    }
  }
});

Deno.test("Stream keeps the tick for a source whose user says that it is not live", () => {
  const madeMs = made({ fps: 30, seconds: 20, jitterMs: 10 });
  const left = runLive({ stream: stream(), madeMs, live: false });
  const steps = left.slice(1).map(({ leftMs }, n) => leftMs - left[n]!.leftMs);
  assert(Math.min(...steps.slice(30)) > 10);
  const subject = stream();
  runLive({ stream: subject, madeMs: [0, 0, 0], live: false });
  assertEquals([subject.isLive, subject.livenessReason], [false, "asked"]);
});

Deno.test("Stream lets video out as it comes whose user says that it is live", () => {
  const frame = (index: number) => codedInput(index % 60 === 0 ? "k" : "d");
  const madeMs = made({ fps: 60, seconds: 20 });
  const left = runLive({ stream: stream(), madeMs, frame, live: true });
  assertWhole(left, madeMs.length);
  assert(quantile(left, 1) < 1, `${quantile(left, 1)} ms`);
});

Deno.test("Stream lets what a publisher kept for a relay that was gone out at once", () => {
  const subject = stream();
  const sent: number[] = [];
  subject.begin({ onFull: "wait", heldMs: 3000 }, 0);
  for (let n = 0; n < 90; n++) {
    subject.push(input(), n);
    sent.push(subject.queue.frames);
  }
  assertEquals(Math.max(...sent), 0);
});
