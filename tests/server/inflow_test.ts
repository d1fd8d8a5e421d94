/** What comes from a peer, in pieces. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { EventEmitter } from "node:events";
import type { Socket as Connection } from "node:net";
import { Inflow } from "../../src/listen/inflow.ts";

/** A connection that tells of what a test has it read. */
function reading(onPiece: (piece: Uint8Array, inflow: Inflow) => void) {
  const unshifted: Uint8Array[] = [];
  const connection = Object.assign(new EventEmitter(), {
    destroyed: false,
    pause: () => {},
    unshift: (bytes: Uint8Array) => void unshifted.push(bytes),
  });
  const counts: [bytes: number, messages: number][] = [];
  const through: Uint8Array[] = [];
  const inflow = new Inflow(connection as unknown as Connection);
  inflow.tell({
    piece: (bytes, messages) => void counts.push([bytes, messages]),
    through: (read) => void through.push(read),
  });
  const pieces: Uint8Array[] = [];
  connection.on("data", (piece: Uint8Array) => {
    pieces.push(piece);
    onPiece(piece, inflow);
  });
  const seen = () => pieces.flatMap((piece) => [...piece]);
  return { connection, inflow, pieces, counts, through, seen, unshifted };
}

const READ = Uint8Array.from({ length: 65_536 }, (_, at) => at % 251);

Deno.test("Inflow lets through what is read in order, in larger pieces where few messages come", () => {
  const { connection, pieces, counts, through, seen } = reading((_, inflow) => inflow.count());
  for (const bytes of [READ, READ]) connection.emit("data", bytes);
  assertEquals(seen(), [...READ, ...READ]);
  assertEquals(counts, pieces.map(({ length }) => [length, 1]));
  assertEquals(through, [READ, READ]);
  assertEquals(pieces.slice(0, 5).map(({ length }) => length), [1024, 2048, 4096, 8192, 8192]);
});

Deno.test("Inflow lets through small pieces where many messages come", () => {
  const { connection, pieces, seen } = reading((piece, inflow) => {
    for (let at = 0; at < piece.length; at += 6) inflow.count();
  });
  connection.emit("data", READ);
  assertEquals(seen(), [...READ]);
  assertEquals(new Set(pieces.map(({ length }) => length)), new Set([1024]));
});

Deno.test("Inflow keeps what was read behind a pause, and lets it through behind that", () => {
  const { connection, inflow, pieces, through, seen } = reading((_, inflow) =>
    inflow.pause("turn")
  );
  connection.emit("data", READ);
  assertEquals(pieces.length, 1);
  let isOpen = false;
  for (let turn = 0; seen().length < READ.length; turn++) {
    assert(turn < 100);
    assertEquals(through, []);
    isOpen = inflow.resume("turn");
    assertEquals([pieces.length, isOpen], [turn + 2, false]);
  }
  assertEquals(seen(), [...READ]);
  assertEquals(through, [READ]);
  assertEquals(inflow.resume("turn"), true);
});

Deno.test("Inflow lets nothing through until everybody who paused it has taken that back", () => {
  const { connection, inflow, pieces, seen } = reading(() => {});
  inflow.pause("turn");
  inflow.pause("reader");
  inflow.pause("reader");
  connection.emit("data", READ);
  // Another's, and what nobody gave: a body that was read, answers that have left.
  for (const reason of ["turn", "turn", "body", "answers"] as const) {
    assertEquals([inflow.resume(reason), pieces.length], [false, 0]);
  }
  assertEquals([inflow.resume("reader"), seen()], [true, [...READ]]);
});

Deno.test("Inflow stays paused where one pauses it while another has it read on", () => {
  const { connection, inflow, seen } = reading((_, inflow) => inflow.pause("body"));
  inflow.pause("answers");
  connection.emit("data", READ);
  assertEquals([inflow.resume("answers"), seen().length], [false, 1024]);
  inflow.pause("over");
  // The body was read, but nothing more of the connection is wanted.
  assertEquals([inflow.resume("body"), seen().length], [false, 1024]);
});

Deno.test("Inflow gives back what it can neither let through nor keep", () => {
  const { connection, inflow, pieces, unshifted } = reading((_, inflow) => inflow.pause("turn"));
  connection.emit("data", READ);
  // A server has read on by itself.
  connection.emit("data", READ.subarray(0, 10));
  assertEquals([pieces.length, unshifted.map(({ length }) => length)], [1, [10]]);
  // Nobody is there to read on, as behind a request to upgrade.
  connection.removeAllListeners("data");
  inflow.resume("turn");
  assertEquals(unshifted.map(({ length }) => length), [10, 65_536 - 1024]);
});

Deno.test("Inflow lets nothing through of a connection that was destroyed", () => {
  const { connection, inflow, pieces } = reading(() => connection.destroyed = true);
  connection.emit("data", READ);
  inflow.resume("turn");
  assertEquals(pieces.length, 1);
  let hasEnded = false;
  connection.on("end", () => hasEnded = true);
  connection.emit("end");
  assert(hasEnded);
});
