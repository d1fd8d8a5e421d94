// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { Budget } from "../../src/core/budget.ts";
import { bareConfig } from "../../src/core/frame.ts";
import { Encodings } from "../../src/relay/encodings.ts";
import { KeptFrames } from "../../src/relay/kept_frames.ts";
import { LiveStream, type Publisher } from "../../src/relay/live_stream.ts";
import { Memory } from "../../src/relay/memory.ts";
import { DEFAULT_OPTIONS } from "../../src/relay/options.ts";
import { Turns } from "../../src/relay/turns.ts";
import { viewerStatus } from "../../src/relay/viewer.ts";
import { withHeadroom } from "../../src/bytes/headroom.ts";
import { feed, frame } from "../core/samples.ts";
import { frameOf } from "./fixture.ts";

function liveStream(): LiveStream {
  return new LiveStream(
    {
      name: "live",
      fps: "source",
      bufferMs: 5000,
      sourceFrames: 9,
      maxBytes: 999,
      maxCreditBytes: 999,
      cacheBudget: new Budget(1e9),
    },
    {
      clock: { nowMs: () => 0, wallUs: () => 0 },
      turns: new Turns(),
      kept: new KeptFrames(new Memory(DEFAULT_OPTIONS)),
      numberViewer: () => 1,
      onIdle: () => {},
    },
  );
}

Deno.test("LiveStream takes nothing of a publisher from which another took the stream over", () => {
  const live = liveStream();
  const [first, second] = [publisher("one"), publisher("two")];
  const frame = (config: ReturnType<typeof bareConfig>) => ({
    data: frameOf(1),
    kind: "key" as const,
    config,
    ptsUs: null,
    captureUs: 0,
  });
  live.begin(first, { takeover: false, onFull: "wait", live: null, heldMs: 0 });
  live.begin(second, { takeover: true, onFull: "wait", live: null, heldMs: 0 });
  live.configure(second, bareConfig("png"));
  live.configure(first, bareConfig("raw"));
  live.push(first, frame(bareConfig("raw")), 3);
  const { epoch, format, received, dropped } = live.status();
  assertEquals([epoch, format, received.frames, dropped.publisher], [1, "png", 0, 0]);
  live.push(second, frame(bareConfig("png")), 0);
  assertEquals(live.status().received.frames, 1);
});

function publisher(session: string): Publisher {
  return {
    session,
    digest: `of ${session}`,
    received: 0,
    refreshCredit: () => {},
    ended: () => {},
    report: () => {},
    close: () => {},
  };
}

Deno.test("Encodings tells every viewer its own numbers, and the stream's as they are", () => {
  const status = liveStream().status();
  const encodings = new Encodings();
  const [idle, other] = [viewerStatus(feed()), viewerStatus(feed())];
  const busy = { ...idle, sent: { frames: 3, bytes: 30 } };
  for (const stream of [status, { ...status, viewers: 4 }]) {
    for (const viewer of [idle, other, busy, idle]) {
      const told = JSON.parse(encodings.stats(stream, viewer));
      assertEquals(told, { type: "stats", stream, viewer });
    }
  }
});

Deno.test("Encodings tells what it keeps of its own, and forgets it", () => {
  const encodings = new Encodings();
  const data = new Uint8Array(1000);
  const bare = { ...frame(1), data };
  const message = encodings.encode(bare, false);
  assertEquals([encodings.copiedBytes, message.byteLength], [1032, 1032]);
  encodings.encode(bare, true);
  assertEquals(encodings.copiedBytes, 2064);
  encodings.clear();
  assertEquals(encodings.copiedBytes, 0);
  // A frame with room for its header is its own message, though not for one that is caught up with.
  const roomy = { ...frame(2), data: withHeadroom([data]) };
  encodings.encode(roomy, false);
  assertEquals(encodings.copiedBytes, 0);
  encodings.encode(roomy, true);
  assertEquals(encodings.copiedBytes, 1032);
});
