/** A stream coded in time: whatever happens, each viewer can decode everything that it gets. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Budget } from "../../src/core/budget.ts";
import { totalDrops } from "../../src/core/drops.ts";
import { bareConfig, type Frame } from "../../src/core/frame.ts";
import type { FrameRate } from "../../src/core/pacing.ts";
import type { Stream } from "../../src/core/stream.ts";
import type { JoinFrom } from "../../src/core/feed.ts";
import type { ViewerFeed } from "../../src/core/viewer_feed.ts";
import { type Coded, codedInput, feed, stream } from "./samples.ts";

/** Large enough that its memory is given back at once. */
const LARGE = 65_536;
const CONFIGS = [bareConfig("h264"), bareConfig("hevc", { width: 64, height: 64 })];

/** A frame as it was pushed. */
interface Pushed {
  readonly kind: Coded;
  readonly epoch: number;
  readonly bytes: number;
  /** Whether the publisher dropped frames before it. */
  readonly isBehindGap: boolean;
}

/** What one viewer has got. */
class Witness {
  readonly got = new Set<number>();
  readonly #pushed: readonly Pushed[];
  #last = -1;
  #sequence = 0;

  constructor(pushed: readonly Pushed[]) {
    this.#pushed = pushed;
  }

  /** The frame's capture time is its place in the order in which frames were pushed. */
  take({ captureUs: index, data, kind, sequence, epoch }: Frame): void {
    const frame = this.#pushed[index]!;
    assert(index > this.#last, "twice, or out of order");
    assert(sequence > this.#sequence, "a sequence that does not grow");
    assertEquals([data.byteLength, kind === "key", epoch], [
      frame.bytes,
      frame.kind === "k",
      frame.epoch,
    ]);
    if (frame.kind === "d") this.#needs(index, (other) => other.kind !== "l");
    if (frame.kind === "l") {
      const key = this.#needs(index, () => true);
      assertEquals(this.#pushed[key - 1]?.epoch, epoch, "a leading frame of the first GOP");
      this.#needs(key, (other) => other.kind !== "l");
    }
    this.#last = index;
    this.#sequence = sequence;
    this.got.add(index);
  }

  /** Wants everything from the key frame before `index` on, and returns that one's place. */
  #needs(index: number, isNeeded: (other: Pushed) => boolean): number {
    for (let at = index - 1;; at--) {
      const other = this.#pushed[at];
      assert(other !== undefined, "no key frame before it");
      assertEquals(other.epoch, this.#pushed[index]!.epoch, "no key frame of its epoch before it");
      assert(!this.#pushed[at + 1]!.isBehindGap, "the publisher dropped what it needs");
      if (isNeeded(other)) assert(this.got.has(at), `${index} without ${at}`);
      if (other.kind === "k") return at;
    }
  }
}

interface Viewer {
  readonly feed: ViewerFeed;
  readonly witness: Witness;
  /** Sequences under way. */
  readonly flying: number[];
  /** Bytes that have not left a bare viewer's socket. */
  unsent: number;
  /** Frames that it was offered, less those that have left the queue, at the time when it came. */
  offset: number;
}

/** A stream and its viewers, and the books that are kept of them. */
class Scene {
  readonly stream: Stream;
  readonly viewers: Viewer[] = [];
  readonly #all: Viewer[] = [];
  readonly #pushed: Pushed[] = [];
  readonly #memory: Budget;
  readonly #cached: Budget;
  #config = 0;
  #isBehindGap = false;
  nowMs = 0;

  constructor(options: { fps: FrameRate; memory: number; cached: number; maxBytes: number }) {
    this.#memory = new Budget(options.memory);
    this.#cached = new Budget(options.cached);
    const { fps, maxBytes } = options;
    this.stream = stream({
      fps,
      maxBytes,
      bufferMs: 700,
      sourceFrames: 20,
      cacheBudget: this.#cached,
    });
  }

  push(kind: Coded, bytes: number): void {
    const config = CONFIGS[this.#config % CONFIGS.length]!;
    this.stream.configure(config);
    const { epoch } = this.stream;
    this.#pushed.push({ kind, epoch, bytes, isBehindGap: this.#isBehindGap });
    this.#isBehindGap = false;
    const captureUs = this.#pushed.length - 1;
    this.stream.push({ ...codedInput(kind, bytes, config), captureUs }, this.nowMs);
  }

  miss(frames: number): void {
    this.stream.miss(frames);
    this.#isBehindGap = true;
  }

  changeConfig(): void {
    this.#config++;
  }

  wait(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const dueMs = this.stream.deadlineMs();
      if (dueMs === undefined || dueMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, dueMs);
      this.stream.advance(this.nowMs);
    }
    this.nowMs = endMs;
    this.stream.poll(this.nowMs);
  }

  join(
    options: {
      from: JoinFrom;
      fps: number | null;
      maxBytes: number;
      maxDelayMs: number;
      isBare: boolean;
    },
  ): void {
    const { from, isBare, ...rest } = options;
    const witness = new Witness(this.#pushed);
    const flying: number[] = [];
    const viewer: Viewer = {
      witness,
      flying,
      unsent: 0,
      offset: 0,
      feed: feed({
        ...rest,
        budget: this.#memory,
        unsentBytes: isBare ? () => viewer.unsent : null,
        send: (frame) => {
          witness.take(frame);
          flying.push(frame.sequence);
          viewer.unsent += frame.data.byteLength;
        },
      }),
    };
    this.viewers.push(viewer);
    this.#all.push(viewer);
    this.stream.join(viewer.feed, this.nowMs, from);
    viewer.offset = this.#offered(viewer) - this.left;
  }

  leave(index: number): void {
    const [viewer] = this.viewers.splice(index, 1);
    if (viewer !== undefined) this.stream.leave(viewer.feed, this.nowMs);
  }

  /** All but `rest` of the frames under way to a viewer arrive. */
  confirm(index: number, rest: number): void {
    const viewer = this.viewers[index];
    if (viewer === undefined) return;
    if (viewer.feed.isConfirming) {
      const sequence = viewer.flying.at(-1 - rest);
      if (sequence === undefined) return;
      viewer.flying.splice(0, viewer.flying.length - rest);
      assert(viewer.feed.acknowledge(sequence, this.nowMs));
    } else {
      viewer.unsent = rest * 10;
      viewer.feed.advance(this.nowMs);
    }
    this.stream.advance(this.nowMs);
  }

  /** Frames that have left the queue. */
  get left(): number {
    const ofViewers = this.#all.reduce((sum, { feed }) => sum + totalDrops(feed.dropped), 0);
    const { received, queue, dropped } = this.stream;
    return received.frames + dropped.publisher - queue.frames -
      (totalDrops(dropped) - ofViewers);
  }

  check(): void {
    for (const viewer of this.viewers) {
      assertEquals(this.#offered(viewer) - this.left, viewer.offset, "frames unaccounted for");
    }
    const flying = this.viewers.reduce((sum, { feed }) => sum + feed.underWay.bytes, 0);
    assertEquals(this.#memory.used, flying);
  }

  end(): void {
    while (this.viewers.length > 0) this.leave(0);
    this.stream.close();
    assertEquals([this.#memory.used, this.#cached.used], [0, 0]);
  }

  /** Frames that a viewer was sent, did not get, or will get. */
  #offered({ feed }: Viewer): number {
    const waiting = feed.needsFrom === Infinity ? 0 : this.left - feed.needsFrom;
    return feed.sent.frames + totalDrops(feed.dropped) + waiting;
  }
}

Deno.test("Stream sends each viewer only what it can decode, and accounts for the rest, whatever happens", () => {
  const kind = fc.constantFrom<Coded>("k", "d", "d", "d", "d", "l", "l");
  const frame = fc.record({
    kind,
    bytes: fc.constantFrom(1, 10, 10, 60, 300, LARGE),
    afterMs: fc.constantFrom(0, 1, 33, 33, 100),
  });
  const operation = fc.oneof(
    { weight: 8, arbitrary: fc.record({ push: fc.array(frame, { minLength: 1, maxLength: 20 }) }) },
    { weight: 8, arbitrary: fc.record({ viewer: fc.nat(4), rest: fc.nat(2) }) },
    { weight: 4, arbitrary: fc.record({ waitMs: fc.integer({ min: 0, max: 900 }) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        from: fc.constantFrom<JoinFrom>("key", "live"),
        fps: fc.constantFrom(null, null, 1, 20),
        maxBytes: fc.constantFrom(1, 500, 1e9),
        maxDelayMs: fc.constantFrom(1, 100, 500, 60_000),
        isBare: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.record({ leave: fc.nat(4) }) },
    { weight: 1, arbitrary: fc.record({ miss: fc.integer({ min: 1, max: 5 }) }) },
    { weight: 1, arbitrary: fc.record({ fps: fc.constantFrom<FrameRate>(5, 30, 100, "source") }) },
    { weight: 1, arbitrary: fc.record({ maxQueueBytes: fc.constantFrom(50, 1000, 1e9) }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "begin",
        "beginDrop",
        "resume",
        "finish",
        "config",
        "flush",
        "clear",
      ),
    },
  );
  const options = fc.record({
    fps: fc.constantFrom<FrameRate>(5, 30, "source"),
    memory: fc.constantFrom(100, 2 * LARGE, 1e9),
    cached: fc.constantFrom(0, 40, 1000, 3 * LARGE, 1e9),
    maxBytes: fc.constantFrom(300, 2 * LARGE, 1e9),
  });
  fc.assert(
    fc.property(
      options,
      fc.array(operation, { maxLength: 80, size: "max" }),
      (options, operations) => {
        const scene = new Scene(options);
        const { stream } = scene;
        scene.join({ from: "key", fps: null, maxBytes: 1e9, maxDelayMs: 500, isBare: true });
        for (const operation of operations) {
          if (operation === "begin" || operation === "beginDrop") {
            stream.begin({ onFull: operation === "begin" ? "wait" : "drop" }, 0);
          } else if (operation === "resume") stream.begin({ onFull: "wait", resumes: true }, 0);
          else if (operation === "finish") stream.finish();
          else if (operation === "config") scene.changeConfig();
          else if (operation === "flush") stream.flush(scene.nowMs);
          else if (operation === "clear") stream.clear("stopped");
          else if (typeof operation === "string") continue;
          else if ("push" in operation) {
            for (const { kind, bytes, afterMs } of operation.push) {
              scene.push(kind, bytes);
              scene.wait(afterMs);
              // The first viewer, if it is there, keeps up.
              scene.confirm(0, 0);
            }
          } else if ("viewer" in operation) scene.confirm(operation.viewer, operation.rest);
          else if ("waitMs" in operation) scene.wait(operation.waitMs);
          else if ("leave" in operation) scene.leave(operation.leave);
          else if ("miss" in operation) scene.miss(operation.miss);
          else if ("fps" in operation && !("from" in operation)) {
            stream.setFps(operation.fps, scene.nowMs);
          } else if ("maxQueueBytes" in operation) stream.setMaxBytes(operation.maxQueueBytes);
          else scene.join(operation);
          scene.check();
        }
        scene.end();
      },
    ),
    { seed: 1, numRuns: 300 },
  );
});
