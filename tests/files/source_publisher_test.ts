// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { SourcePublisher } from "../../src/files/source_publisher.ts";
import { bareConfig } from "../../src/core/frame.ts";
import { StreamError } from "../../src/errors.ts";
import { systemClock } from "../../src/host/clock.ts";
import { silentLog } from "../../src/host/log.ts";
import { startRelay } from "../server/fixture.ts";

/** A publisher to `url` that says what it has to say to `warnings`. */
function publisherTo(url: string, warnings: string[], clock = systemClock): SourcePublisher {
  return new SourcePublisher({
    url,
    takeover: false,
    onFull: "wait",
    clock,
    log: { ...silentLog, warn: (message) => warnings.push(message) },
  });
}

Deno.test("SourcePublisher says after two seconds that no key frame has come, once", async () => {
  await using relay = await startRelay();
  const warnings: string[] = [];
  let nowMs = 0;
  const clock = { ...systemClock, nowMs: () => nowMs };
  const publisher = publisherTo(relay.url("/live"), warnings, clock);
  const config = bareConfig("h264");
  let frames = 0;
  const source = {
    next: () => {
      if (frames++ === 9) return Promise.resolve(undefined);
      nowMs += 500;
      const data = Uint8Array.of(0, 0, 0, 1, 0x41, frames);
      return Promise.resolve({ data, kind: "delta", ptsUs: null, config } as const);
    },
    stop: () => {},
  };
  const error = await assertRejects(
    () => publisher.run(source, new AbortController().signal),
    StreamError,
    "Cannot show any of the 9 frames: none is a key frame",
  );
  assertEquals(error.code, "bad_input");
  assertEquals(warnings.length, 1);
  assertMatch(
    warnings[0]!,
    /^nobody can see the first 5 frames, because none is a key frame; check --format/,
  );
});

Deno.test("SourcePublisher says once that pictures out of order have no times", async () => {
  await using relay = await startRelay();
  const warnings: string[] = [];
  const publish = async (ptsUs: number | null, name: string) => {
    const publisher = publisherTo(relay.url(name), warnings);
    const config = bareConfig("h264");
    let frames = 0;
    const source = {
      next: () => {
        if (frames++ === 3) return Promise.resolve(undefined);
        const data = Uint8Array.of(0, 0, 0, 1, 0x65, frames);
        return Promise.resolve({ data, kind: "key", ptsUs, isReordered: true, config } as const);
      },
      stop: () => {},
    };
    await publisher.run(source, new AbortController().signal);
  };
  await publish(0, "/timed");
  assertEquals(warnings, []);
  await publish(null, "/untimed");
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0]!, /^the input has B frames and no timestamps, .*-f mpegts/);
});
