/** Publisher, relay, stream and viewer in one chain, in memory and in simulated time. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { Budget } from "../../src/core/budget.ts";
import { type FrameRate, Stream } from "../../src/core/stream.ts";
import { ViewerFeed } from "../../src/core/viewer_feed.ts";
import { encodeControl } from "../../src/wire/control_message.ts";
import { encodeFrameMessage } from "../../src/wire/frame_message.ts";
import { PublisherSession } from "../../src/wire/publisher_session.ts";
import { RelaySession } from "../../src/wire/relay_session.ts";
import { ViewerSession } from "../../src/wire/viewer_session.ts";
import { type Message, outgoing, welcome } from "./messages.ts";

/** Sends `count` frames through; returns what the viewer saw of them. */
function run(
  options: { fps: FrameRate; count: number; upMs: number; downMs: number },
): { numbers: number[]; epochs: Set<number>; formats: Set<string>; endMs: number } {
  const events: { atMs: number; run: () => void }[] = [];
  let nowMs = 0;
  const after = (ms: number, run: () => void) => {
    events.push({ atMs: nowMs + ms, run });
    events.sort((a, b) => a.atMs - b.atMs);
  };
  const stream = new Stream({
    name: "live",
    fps: options.fps,
    bufferMs: 5000,
    sourceFrames: 1024,
    maxBytes: 1e6,
    maxCreditBytes: 1e5,
    cacheBudget: new Budget(1e9),
  }, 0);

  const viewer = new ViewerSession({ fps: null, maxDelayMs: 500 });
  const viewerAtRelay = new RelaySession({ maxFrameBytes: 1000 });
  const seen = {
    numbers: [] as number[],
    epochs: new Set<number>(),
    formats: new Set<string>(),
    endMs: 0,
  };
  let epoch = 0;
  const toViewer = (message: Message) =>
    after(options.downMs, () => {
      const event = viewer.receive(message, 0);
      if (event.type === "end") seen.endMs = nowMs;
      if (event.type !== "frame") return;
      seen.numbers.push(event.data[0]! << 8 | event.data[1]!);
      seen.epochs.add(event.header.epoch);
      seen.formats.add(event.config.format);
      after(options.downMs, () => {
        const ack = viewerAtRelay.receive(viewer.acknowledge(event.header.sequence));
        assert(ack.type === "ack" && feed.acknowledge(ack.sequence, nowMs, ack.heldMs));
        stream.advance(nowMs);
      });
    });
  const feed = new ViewerFeed({
    maxDelayMs: 500,
    maxBytes: 1e6,
    fps: null,
    budget: new Budget(1e6),
    unsentBytes: null,
    send: ({ config, kind, data, ...header }, catchUp) => {
      if (header.epoch !== epoch) {
        epoch = header.epoch;
        toViewer(encodeControl({ type: "config", epoch, ...config }));
      }
      const fields = {
        ...header,
        key: kind === "key",
        configuration: false,
        leading: false,
        catchUp,
      };
      toViewer(encodeFrameMessage(fields, data));
    },
  });
  viewerAtRelay.receive(viewer.open());
  toViewer(welcome("watch"));
  stream.join(feed, 0);

  const publisher = new PublisherSession({ session: "run", takeover: false, onFull: "wait" });
  const relay = new RelaySession({ maxFrameBytes: 1000 });
  let added = 0;
  let isEnding = false;
  const pump = () => {
    const send = () => {
      for (let message = publisher.next(); message; message = publisher.next()) toRelay(message);
    };
    while (added < options.count && publisher.wantsFrame) {
      publisher.add(outgoing(++added));
      send();
    }
    if (added === options.count) publisher.end();
    send();
  };
  const toPublisher = (message: string) =>
    after(options.upMs, () => {
      publisher.receive(message, 0);
      pump();
    });
  const refresh = () => {
    const credit = relay.grant(stream.credit(relay.totals));
    if (credit !== undefined && !isEnding) toPublisher(encodeControl(credit));
  };
  const toRelay = (message: Message) =>
    after(options.upMs, () => {
      const event = relay.receive(message);
      if (event.type === "hello") {
        stream.begin("wait");
        toPublisher(welcome("publish"));
      } else if (event.type === "config") {
        const { type: _, epoch: __, ...config } = event;
        stream.configure(config);
      } else if (event.type === "frame") {
        const { header, data } = event.message;
        const { ptsUs, captureUs } = header;
        stream.push({
          data,
          kind: "key",
          config: stream.config!,
          ptsUs,
          captureUs,
          captureAgeMs: 0,
        }, nowMs);
      } else if (event.type === "end") {
        isEnding = true;
      }
    });
  toRelay(publisher.open());

  while ((!publisher.isDone || events.length > 0) && nowMs < 1e6) {
    const deadlineMs = stream.deadlineMs() ?? Infinity;
    const next = events[0];
    assert(next !== undefined || deadlineMs < Infinity, "nothing will ever happen");
    if (next !== undefined && next.atMs <= deadlineMs) {
      nowMs = next.atMs;
      events.shift()!.run();
    } else {
      nowMs = deadlineMs;
      stream.advance(nowMs);
    }
    refresh();
    if (isEnding && stream.queue.frames === 0) {
      stream.finish();
      stream.flush(nowMs);
      toViewer('{"type":"end"}');
      toPublisher('{"type":"end"}');
      isEnding = false;
    }
  }
  assertEquals(stream.received.frames, options.count);
  return seen;
}

const PATHS: [fps: FrameRate, upMs: number, downMs: number][] = [
  [30, 0.1, 0.1],
  [30, 40, 5],
  [30, 3, 60],
  [240, 0.1, 0.1],
  [240, 40, 5],
  ["source", 0.1, 0.1],
  ["source", 3, 60],
];

for (const [fps, upMs, downMs] of PATHS) {
  Deno.test(`PublisherSession reaches a ViewerSession through a Stream at ${fps}, ${upMs} and ${downMs} ms away`, () => {
    const seen = run({ fps, count: 500, upMs, downMs });
    assertEquals(seen.numbers, Array.from({ length: 500 }, (_, index) => index + 1));
    assertEquals([...seen.formats], ["mjpeg", "png"]);
    assertEquals(seen.epochs.size, 63);
    assert(seen.endMs > 0);
    // A round trip to the publisher does not starve the tick.
    if (fps === 30) assert(seen.endMs < 500 / 30 * 1000 + 500, `${seen.endMs} ms`);
  });
}
