// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { PipeBacklog } from "../../src/files/pipe_backlog.ts";

const PIPE_BYTES = 64_000;
const FRAME_BYTES = 16_000;

/** A pipe with a reader behind it, in simulated time. */
class Pipe {
  readonly backlog = new PipeBacklog(PIPE_BYTES);
  nowMs = 0;
  readonly #bytesPerMs: () => number;
  #unread = 0;

  constructor(bytesPerMs: () => number) {
    this.#bytesPerMs = bytesPerMs;
  }

  /** Writes a frame; returns when it is taken to have been read, and when it will have been. */
  write(): { toldMs: number; readMs: number } {
    const beganMs = this.nowMs;
    this.#unread += FRAME_BYTES;
    while (this.#unread > PIPE_BYTES) this.pass(1);
    const toldMs = this.backlog.wrote(FRAME_BYTES, beganMs, this.nowMs);
    return { toldMs, readMs: this.nowMs + this.#unread / this.#bytesPerMs() };
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.#unread = Math.max(0, this.#unread - ms * this.#bytesPerMs());
  }
}

Deno.test("PipeBacklog takes for read what is written for a reader that keeps up", () => {
  const pipe = new Pipe(() => 10_000);
  for (let n = 0; n < 100; n++) {
    assertEquals(pipe.write().toldMs, pipe.nowMs);
    pipe.pass(33);
  }
});

Deno.test("PipeBacklog tells when a reader that is behind has read, once the pipe was full twice", () => {
  const pipe = new Pipe(() => 160);
  const told = [];
  for (let n = 0; n < 20; n++) {
    const { toldMs, readMs } = pipe.write();
    told.push(Math.round(toldMs - pipe.nowMs));
    if (n >= 5) assert(Math.abs(toldMs - readMs) <= 10, `frame ${n}: ${toldMs}, ${readMs}`);
    pipe.pass(10);
  }
  assertEquals(told.slice(0, 6), [0, 0, 0, 0, 0, 400]);
});

Deno.test("PipeBacklog finds out that a reader keeps up again, also where frames wait for it", () => {
  let bytesPerMs = 160;
  const pipe = new Pipe(() => bytesPerMs);
  for (let n = 0; n < 10; n++) pipe.write();
  bytesPerMs = 10_000;
  pipe.pass(500);
  let waitedMs = Infinity;
  for (let n = 0; n < 40; n++) {
    const { toldMs } = pipe.write();
    waitedMs = toldMs - pipe.nowMs;
    // The next comes only when this one is taken to have been read.
    pipe.pass(Math.max(33, waitedMs));
  }
  assert(waitedMs < 10, `${waitedMs}`);
});

Deno.test("PipeBacklog does not wait for more than two seconds for a reader that has all but stopped", () => {
  const backlog = new PipeBacklog(PIPE_BYTES);
  backlog.wrote(100_000, 0, 1000);
  assertEquals(backlog.wrote(1000, 1000, 61_000), 63_000);
});

Deno.test("PipeBacklog knows nothing of a reader where the pipe had room that it cannot have had", () => {
  const pipe = new Pipe(() => 160);
  for (let n = 0; n < 10; n++) pipe.write();
  assertEquals(pipe.backlog.wrote(FRAME_BYTES, pipe.nowMs + 1, pipe.nowMs + 1), pipe.nowMs + 1);
  assertEquals(pipe.backlog.wrote(FRAME_BYTES, pipe.nowMs + 2, pipe.nowMs + 2), pipe.nowMs + 2);
});
