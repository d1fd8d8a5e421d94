/** Films that have more frames a second than the relay lets out. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { SourceFrame } from "../../src/files/frame_source.ts";
import { SourcePublisher } from "../../src/files/source_publisher.ts";
import { bareConfig } from "../../src/core/frame.ts";
import { systemClock } from "../../src/host/clock.ts";
import { type Log, silentLog } from "../../src/host/log.ts";
import { decodeFrameMessage } from "../../src/wire/frame_message.ts";
import { Client, startRelay } from "../server/fixture.ts";
import { frame, ListSource } from "./sources.ts";

const FRAMES = 120;

/** A film whose frames are all due at once: what is left out follows their own times alone. */
class Film extends ListSource {
  readonly isPaced = true;
}

/** Publishes frames of 60 a second to a relay of 30; returns what arrives, and what is said. */
async function publish(
  format: "mjpeg" | "vp8",
): Promise<{ numbers: number[]; dropped: number; warnings: string[]; leftOut: number }> {
  await using relay = await startRelay({ fps: 30 });
  const viewer = await Client.hello(relay.url("/film"), { role: "watch", maxDelayMs: 60_000 });
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (message) => void warnings.push(message) };
  const publisher = new SourcePublisher({
    ...{ url: relay.url("/film"), takeover: false, onFull: "wait", clock: systemClock, log },
  });
  const config = bareConfig(format);
  const frames = Array.from({ length: FRAMES }, (_, n): SourceFrame =>
    frame({
      data: Uint8Array.of(n),
      kind: format === "mjpeg" || n % 30 === 0 ? "key" : "delta",
      ptsUs: Math.round(n * 1e6 / 60),
      config,
    }));
  const numbers: number[] = [];
  const watching = (async () => {
    for (;;) {
      const message = await viewer.next();
      if (typeof message === "string") {
        if (JSON.parse(message).type === "end") return;
        continue;
      }
      const { header, data } = decodeFrameMessage(message);
      numbers.push(data[0]!);
      viewer.send(JSON.stringify({ type: "ack", sequence: header.sequence }));
    }
  })();
  await publisher.run(new Film(frames), new AbortController().signal);
  await watching;
  const response = await fetch(`${relay.address}/api/streams/film`);
  const { dropped } = await response.json();
  await viewer[Symbol.asyncDispose]();
  return { numbers, dropped: publisher.stats().dropped, warnings, leftOut: dropped.publisher };
}

Deno.test("SourcePublisher leaves out every second picture of a film of 60 a second, and says so once", async () => {
  const { numbers, dropped, warnings, leftOut } = await publish("mjpeg");
  assertEquals([numbers[0], numbers.at(-1)], [0, FRAMES - 1]);
  assertEquals(numbers.length + dropped, FRAMES);
  assertEquals(leftOut, dropped);
  // Before the rate is known, and the last one, which is shown in any case.
  const steps = numbers.slice(1).map((number, n) => number - numbers[n]!);
  assertEquals(new Set(steps.slice(10, -1)), new Set([2]));
  assertEquals(warnings, [
    "the film has more pictures a second than the 30 that the relay sends; the rest are left " +
    'out evenly; to send all, start the relay with a higher --fps or with "--fps source"',
  ]);
});

Deno.test("SourcePublisher leaves out no frame of a film that is coded in time", async () => {
  const { numbers, dropped, warnings } = await publish("vp8");
  assertEquals(numbers, Array.from({ length: FRAMES }, (_, n) => n));
  assertEquals([dropped, warnings], [0, []]);
});
