/** Bodies that are pushed where the listener takes them so, and read where it does not. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { PacedBody } from "../../src/http/paced_body.ts";
import { type Outlet, PushedBody } from "../../src/listen/pushed_body.ts";

/** An outlet that takes what it is given while it is not full. */
class FakeOutlet implements Outlet {
  readonly writes: number[][] = [];
  readonly said: string[] = [];
  isFull = false;

  write(parts: readonly Uint8Array[]): boolean {
    this.writes.push(parts.map(({ byteLength }) => byteLength));
    return !this.isFull;
  }

  again(): void {
    this.said.push("again");
  }

  end(): void {
    this.said.push("end");
  }

  breakOff(): void {
    this.said.push("break off");
  }
}

function bytes(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length);
}

function open(body: PacedBody, outlet: FakeOutlet) {
  assert(body.body instanceof PushedBody);
  return body.body.open(outlet);
}

Deno.test("PacedBody pushes each piece at once, with all of its chunks, and counts what has left", () => {
  const outlet = new FakeOutlet();
  const body = new PacedBody(() => {}, { mayPush: true });
  body.send([bytes(3)], 0);
  body.send([bytes(10), bytes(20)], 20);
  assertEquals(body.unsentBytes, 20);
  const events = open(body, outlet);
  events.drained();
  // One piece a turn.
  assertEquals([outlet.writes, outlet.said, body.unsentBytes], [[[3]], ["again"], 20]);
  events.drained();
  assertEquals([outlet.writes[1], body.unsentBytes], [[10, 20], 0]);
  body.send([bytes(30), bytes(4)], 30);
  assertEquals([outlet.writes[2], body.unsentBytes], [[30, 4], 0]);
  assertEquals(outlet.said, ["again"]);
});

Deno.test("PacedBody gives an outlet that is full nothing before it has drained", () => {
  const outlet = new FakeOutlet();
  const body = new PacedBody(() => {}, { mayPush: true });
  const events = open(body, outlet);
  events.drained();
  outlet.isFull = true;
  body.send([bytes(10)], 10);
  body.send([bytes(20)], 20);
  assertEquals([outlet.writes, body.unsentBytes], [[[10]], 30]);
  events.drained();
  assertEquals([outlet.writes, body.unsentBytes], [[[10], [20]], 20]);
  outlet.isFull = false;
  events.drained();
  assertEquals(body.unsentBytes, 0);
});

Deno.test("PacedBody pushes a mebibyte at most, and counts a piece when all of it has left", () => {
  const outlet = new FakeOutlet();
  const body = new PacedBody(() => {}, { mayPush: true });
  const events = open(body, outlet);
  events.drained();
  body.send([bytes(1_000_000), bytes(1_500_000)], 7);
  assertEquals([outlet.writes, body.unsentBytes], [[[1_000_000, 48_576]], 7]);
  events.drained();
  assertEquals([outlet.writes[1], body.unsentBytes], [[1_048_576], 7]);
  events.drained();
  assertEquals([outlet.writes[2], body.unsentBytes], [[1_500_000 - 48_576 - 1_048_576], 0]);
});

Deno.test("PacedBody ends an outlet behind what was sent, at once, or breaks it off, and says so once", () => {
  let overs = 0;
  const started = (before?: (body: PacedBody) => void) => {
    const outlet = new FakeOutlet();
    const body = new PacedBody(() => overs++, { mayPush: true });
    before?.(body);
    const events = open(body, outlet);
    events.drained();
    return { outlet, body, events };
  };
  const finished = started();
  finished.outlet.isFull = true;
  finished.body.send([bytes(5)], 5);
  finished.body.finish();
  assertEquals([finished.outlet.said, overs], [[], 0]);
  finished.events.drained();
  finished.events.closed();
  assertEquals([finished.outlet.said, overs], [["end"], 1]);

  const ended = started();
  ended.outlet.isFull = true;
  ended.body.send([bytes(5)], 5);
  ended.body.send([bytes(6)], 6);
  ended.body.end();
  ended.events.drained();
  assertEquals([ended.outlet.writes, ended.outlet.said, overs], [[[5]], ["end"], 2]);

  const broken = started();
  broken.body.abort(new Error("it is over"));
  assertEquals([broken.outlet.said, overs], [["break off"], 3]);

  // Before the listener has begun.
  assertEquals(started((body) => body.end()).outlet.said, ["end"]);
  assertEquals(started((body) => body.abort(new Error("it is over"))).outlet.said, ["break off"]);

  const gone = started();
  gone.events.closed();
  gone.body.send([bytes(5)], 5);
  assertEquals([gone.outlet.writes, overs], [[], 6]);
});

Deno.test("PacedBody is read in pieces of 64 KiB where nobody pushes it", async () => {
  const body = new PacedBody(() => {}, { mayPush: true });
  body.send([bytes(70_000), bytes(10)], 1);
  body.finish();
  const lengths: number[] = [];
  for await (const part of body.body) lengths.push(part.byteLength);
  assertEquals(lengths, [65_536, 70_000 - 65_536, 10]);
});
