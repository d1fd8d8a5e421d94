/** Frames that are freed at once: never one that somebody still needs. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { FrameInput } from "../../src/core/numbering.ts";
import type { FrameRate } from "../../src/core/pacing.ts";
import type { Stream } from "../../src/core/stream.ts";
import { feed, input, stream } from "./samples.ts";

/** Large enough that its memory is given back at once. */
const BYTES = 65_536;

Deno.test("Stream frees a frame when the next one has left", () => {
  const live = stream({ fps: "source" });
  const frames = [input(BYTES), input(BYTES)];
  const viewer = feed({ send: () => {} });
  live.join(viewer, 0);
  for (const frame of frames) live.push(frame, 0);
  assertEquals(frames.map(({ data }) => data.byteLength), [0, BYTES]);
});

Deno.test("Stream does not free a frame that a viewer holds", () => {
  const live = stream({ fps: "source" });
  const sent: number[] = [];
  const viewer = feed({
    fps: 1,
    maxBytes: 1,
    send: ({ data, sequence }) => {
      assertEquals(data.byteLength, BYTES);
      sent.push(sequence);
    },
  });
  live.join(viewer, 0);
  // The second waits, the third takes its place.
  for (const nowMs of [0, 1000, 1010]) live.push(input(BYTES), nowMs);
  viewer.acknowledge(1, 1030);
  assertEquals(sent, [1, 3]);
});

Deno.test("Stream sends only frames that are whole, whatever its viewers do", () => {
  const operation = fc.oneof(
    { weight: 8, arbitrary: fc.constant("push" as const) },
    { weight: 4, arbitrary: fc.record({ ack: fc.nat(3), back: fc.nat(2) }) },
    { weight: 4, arbitrary: fc.record({ waitMs: fc.integer({ min: 1, max: 400 }) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        fps: fc.option(fc.integer({ min: 1, max: 60 })),
        maxBytes: fc.integer({ min: 1, max: 4 * BYTES }),
      }),
    },
    { weight: 1, arbitrary: fc.constantFrom("leave", "flush", "begin", "finish") },
  );
  fc.assert(
    fc.property(
      fc.constantFrom<FrameRate>(10, 30, "source"),
      fc.array(operation, { maxLength: 80, size: "max" }),
      (fps, operations) => {
        const live: Stream = stream({ fps });
        let nowMs = 0;
        let pushed = 0;
        const viewers: { viewer: ReturnType<typeof feed>; sent: number[] }[] = [];
        for (const operation of operations) {
          if (operation === "push") {
            const frame: FrameInput = input(BYTES);
            frame.data[0] = ++pushed & 0xff;
            live.push(frame, nowMs);
          } else if (operation === "leave") {
            const gone = viewers.pop();
            if (gone !== undefined) live.leave(gone.viewer, nowMs);
          } else if (operation === "flush") live.flush(nowMs);
          else if (operation === "begin") live.begin({ onFull: "wait" }, 0);
          else if (operation === "finish") live.finish();
          else if (typeof operation === "string") continue;
          else if ("ack" in operation) {
            const some = viewers[operation.ack];
            some?.viewer.acknowledge(some.sent.at(-1 - operation.back) ?? 0, nowMs);
            live.advance(nowMs);
          } else if ("waitMs" in operation) {
            nowMs += operation.waitMs;
            live.advance(nowMs);
          } else {
            const sent: number[] = [];
            const viewer = feed({
              ...operation,
              send: ({ data, sequence }) => {
                assertEquals([data.byteLength, data[0]], [BYTES, sequence & 0xff]);
                sent.push(sequence);
              },
            });
            viewers.push({ viewer, sent });
            live.join(viewer, nowMs);
          }
        }
        for (const { sent } of viewers) {
          assert(sent.every((sequence, index) => index === 0 || sequence > sent[index - 1]!));
        }
      },
    ),
    { seed: 1, numRuns: 150 },
  );
});
