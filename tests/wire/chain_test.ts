/** Publisher, relay, stream and viewer in one chain, in memory and in simulated time. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Budget } from "../../src/core/budget.ts";
import { bareConfig, type StreamConfig } from "../../src/core/frame.ts";
import type { FrameRate } from "../../src/core/pacing.ts";
import { Stream } from "../../src/core/stream.ts";
import { ViewerDelays } from "../../src/core/viewer_delays.ts";
import { ViewerFeed } from "../../src/core/viewer_feed.ts";
import { type ConfigMessage, encodeControl } from "../../src/wire/control_message.ts";
import { encodeFrameMessage } from "../../src/wire/frame_message.ts";
import { PublisherSession } from "../../src/wire/publisher_session.ts";
import { RelaySession } from "../../src/wire/relay_session.ts";
import { ViewerSession } from "../../src/wire/viewer_session.ts";
import { type Message, outgoing, welcome } from "./messages.ts";
import { feed as feedOf, stream as streamOf } from "../core/samples.ts";

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
    delays: new ViewerDelays(),
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
        held: false,
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
  let isHeld = false;
  const pump = () => {
    const send = () => {
      for (let message = publisher.next(); message; message = publisher.next()) toRelay(message);
    };
    while (added < options.count && publisher.wantsFrame) {
      publisher.add({ ...outgoing(++added), isHeld });
      isHeld = false;
      send();
    }
    isHeld = publisher.welcome !== undefined;
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
        stream.begin({ onFull: "wait" }, 0);
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
          isHeld: header.held,
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

/** One run of a relay between a publisher and a viewer, with what is under way on each side of it. */
class RelayRun {
  readonly toRelay: Message[] = [];
  readonly #toPublisher: string[] = [];
  readonly #toViewer: Message[] = [];
  readonly #fromViewer: Message[] = [];
  readonly #session = new RelaySession({ maxFrameBytes: 1000 });
  readonly #viewerSession = new RelaySession({ maxFrameBytes: 1000 });
  readonly #stream = streamOf({ fps: "source" });
  readonly #feed = feedOf({
    maxDelayMs: 30_000,
    send: ({ config, kind, data, origin, ...header }, catchUp) => {
      const { epoch } = header;
      if (epoch !== this.#epoch) {
        this.#toViewer.push(encodeControl({ type: "config", epoch, ...config, ...origin! }));
      }
      this.#epoch = epoch;
      const flags = { key: kind === "key", configuration: false, leading: false, catchUp };
      this.#toViewer.push(encodeFrameMessage({ ...header, ...flags, held: false }, data));
    },
  });
  #epoch = 0;

  constructor(run: string, publisher: PublisherSession, viewer: ViewerSession) {
    this.toRelay.push(publisher.open());
    this.#toPublisher.push(welcome("publish", 0, run));
    this.#toViewer.push(welcome("watch", 0, run));
    this.#viewerSession.receive(viewer.open());
    this.#stream.begin({ onFull: "wait", session: "digest" }, 0);
    this.#stream.join(this.#feed, 0);
  }

  /** A message arrives at the relay; false where none is under way. */
  up(): boolean {
    const message = this.toRelay.shift();
    if (message === undefined) return false;
    const event = this.#session.receive(message);
    if (event.type === "config") this.#stream.configure(configOf(event));
    if (event.type === "frame") {
      const { header, data } = event.message;
      this.#stream.miss(event.missing);
      this.#stream.push({
        data,
        kind: header.key ? "key" : "delta",
        config: this.#stream.config!,
        ptsUs: header.ptsUs,
        captureUs: header.captureUs,
        captureAgeMs: 0,
        catchUp: header.catchUp,
        sentAs: header.sequence,
      }, 0);
    }
    this.#refresh();
    return true;
  }

  /** A message arrives at the publisher. */
  down(publisher: PublisherSession): boolean {
    const message = this.#toPublisher.shift();
    if (message !== undefined) publisher.receive(message, 0);
    return message !== undefined;
  }

  /** A message arrives at the viewer, or its answer at the relay. */
  view(viewer: ViewerSession, onNew: (number: number, isKey: boolean) => void): boolean {
    const message = this.#toViewer.shift();
    if (message === undefined) return this.#acknowledge();
    const event = viewer.receive(message, 0);
    if (event.type !== "frame") return true;
    if (event.isNew) onNew(event.data[0]! << 8 | event.data[1]!, event.header.key);
    this.#fromViewer.push(viewer.acknowledge(event.header.sequence));
    return true;
  }

  #acknowledge(): boolean {
    const message = this.#fromViewer.shift();
    if (message === undefined) return false;
    const ack = this.#viewerSession.receive(message);
    assert(ack.type === "ack" && this.#feed.acknowledge(ack.sequence, 0));
    this.#stream.advance(0);
    this.#refresh();
    return true;
  }

  #refresh(): void {
    const credit = this.#session.grant(this.#stream.credit(this.#session.totals));
    if (credit !== undefined) this.#toPublisher.push(encodeControl(credit));
  }
}

function configOf({ type: _, epoch: __, ...config }: ConfigMessage): StreamConfig {
  return config;
}

Deno.test("PublisherSession and ViewerSession go on over relays that are killed anywhere, and nothing comes twice", () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constant("add" as const) },
    { weight: 6, arbitrary: fc.constant("up" as const) },
    { weight: 4, arbitrary: fc.constant("down" as const) },
    { weight: 12, arbitrary: fc.constant("view" as const) },
    { weight: 1, arbitrary: fc.constant("kill" as const) },
  );
  const config = bareConfig("h264");
  fc.assert(
    fc.property(
      fc.constantFrom(5, 30, 1e6),
      fc.array(step, { maxLength: 400, size: "max" }),
      (gop, steps) => {
        const publisher = new PublisherSession({ session: "s", takeover: false, onFull: "wait" });
        const viewer = new ViewerSession({ fps: null, maxDelayMs: 30_000 });
        const seen: number[] = [];
        let added = 0;
        let runs = 1;
        let relay = new RelayRun("run 1", publisher, viewer);
        const take = (number: number, isKey: boolean) => {
          const last = seen.at(-1) ?? 0;
          assert(number > last, `frame ${number} behind ${last}`);
          assert(isKey || number === last + 1, `delta frame ${number} behind ${last}`);
          seen.push(number);
        };
        const pump = () => {
          for (let message = publisher.next(); message; message = publisher.next()) {
            relay.toRelay.push(typeof message === "string" ? message : message.slice());
          }
        };
        const add = () => {
          const kind = added % gop === 0 ? "key" : "delta";
          publisher.add({ ...outgoing(++added), kind, config });
        };
        for (const step of steps) {
          if (step === "kill") relay = new RelayRun(`run ${++runs}`, publisher, viewer);
          else if (step === "add" && publisher.wantsFrame) add();
          else if (step === "up") relay.up();
          else if (step === "down") relay.down(publisher);
          else if (step === "view") relay.view(viewer, take);
          pump();
        }
        const settle = () => {
          while (relay.up() || relay.down(publisher) || relay.view(viewer, take)) pump();
        };
        settle();
        add();
        pump();
        settle();
        assertEquals(seen.at(-1), added);
        assertEquals(viewer.skipped, added - seen[0]! + 1 - seen.length);
        // Where no other GOP began, the next run has all that the last one took along.
        if (gop >= added) assertEquals(seen.length, added);
        assertEquals(publisher.sent.frames, added);
      },
    ),
    { seed: 1, numRuns: 300 },
  );
});
