/** What streams keep of their own, and who gives way. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { type Keeper, KeptFrames } from "../../src/relay/kept_frames.ts";
import { Memory } from "../../src/relay/memory.ts";

/** Streams may keep 64 bytes, and a frame of 16. */
const LIMITS = { maxMemoryBytes: 128, maxFrameBytes: 16, maxViewers: 2 };

/** A stream of which the frames are numbers of bytes. */
class Frames implements Keeper {
  readonly #kept: KeptFrames;
  queue: number[] = [];
  newest = 0;

  constructor(kept: KeptFrames) {
    this.#kept = kept;
  }

  get queuedBytes(): number {
    return this.queue.reduce((sum, bytes) => sum + bytes, 0);
  }

  forget(): void {
    this.newest = 0;
    this.count();
  }

  shed(): void {
    this.queue.shift();
    this.count();
  }

  push(...frames: number[]): this {
    for (const bytes of frames) {
      this.queue.push(bytes);
      this.count();
    }
    return this;
  }

  letOut(): this {
    this.newest = this.queue.shift()!;
    this.count();
    return this;
  }

  count(): void {
    this.#kept.set(this, this.queuedBytes + this.newest);
  }
}

function scene(): { memory: Memory; kept: KeptFrames; stream: () => Frames } {
  const memory = new Memory(LIMITS);
  const kept = new KeptFrames(memory);
  return { memory, kept, stream: () => new Frames(kept) };
}

Deno.test("KeptFrames has the largest newest frames given up first, from the limit on and not before", () => {
  const { memory, kept, stream } = scene();
  const small = stream().push(2).letOut();
  const [large, larger] = [stream().push(30).letOut(), stream().push(31).letOut()];
  const waiting = stream().push(8, 9);
  assertEquals([kept.bytes, larger.newest], [80, 31]);
  small.push(1);
  assertEquals([small.newest, small.queue, large.newest, larger.newest], [2, [1], 30, 0]);
  assertEquals([waiting.queue, kept.bytes, memory.kept.used], [[8, 9], 50, 50]);
});

Deno.test("KeptFrames drops what waits of the fullest queue, and nothing of who has less than a part", () => {
  const { kept, stream } = scene();
  const small = stream().push(2).letOut().push(3);
  const newest = stream().push(8).letOut();
  const [one, two] = [stream().push(16, 16), stream().push(16)];
  assertEquals(kept.bytes, 61);
  two.push(16);
  assertEquals([one.queue, two.queue, newest.newest], [[16, 16], [16, 16], 8]);
  two.push(4);
  assertEquals([one.queue, two.queue], [[16, 16], [16, 4]]);
  one.push(15, 15);
  assertEquals([one.queue, two.queue], [[16, 15, 15], [16, 4]]);
  assertEquals([small.queue, small.newest, newest.newest], [[3], 2, 8]);
  assert(kept.bytes <= 80);
});

Deno.test("KeptFrames lets what has just come through, and a stream alone keep all", () => {
  const { kept, stream } = scene();
  const alone = stream().push(60, 60);
  assertEquals([alone.queue, kept.bytes], [[60, 60], 120]);
  alone.letOut();
  const other = stream().push(1);
  assertEquals([alone.newest, alone.queue, other.queue], [0, [60], [1]]);
  // It has left already: its viewers are to get it.
  alone.queue = [];
  alone.newest = 100;
  alone.count();
  assertEquals([alone.newest, kept.bytes], [100, 101]);
  kept.makeRoom();
  assertEquals([alone.newest, other.queue], [0, [1]]);
});

Deno.test("KeptFrames makes room when messages that are not finished need it", () => {
  const { memory, kept, stream } = scene();
  const [large, small] = [stream().push(16, 16, 16, 16), stream().push(2)];
  memory.unfinished.hold(40);
  kept.makeRoom();
  assertEquals([large.queue, small.queue], [[16, 16], [2]]);
  memory.unfinished.hold(-40);
  large.push(16, 16);
  assertEquals([large.queue.length, kept.bytes], [4, 66]);
});
