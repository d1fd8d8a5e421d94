/** The publisher's session with frames of a format coded in time. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { bareConfig, type FrameKind } from "../../src/core/frame.ts";
import { decodeFrameMessage, type FrameHeader } from "../../src/wire/frame_message.ts";
import { type OutgoingFrame, PublisherSession } from "../../src/wire/publisher_session.ts";
import { RelaySession } from "../../src/wire/relay_session.ts";
import { MAX_GOP_BYTES, MAX_GOP_FRAMES } from "../../src/wire/sent_gop.ts";
import { credit, welcome } from "./messages.ts";

const CONFIG = bareConfig("h264", { codec: "avc1.42C01E" });

/** A frame captured at `ms`. */
function coded(kind: FrameKind, ms = 0, fields: Partial<OutgoingFrame> = {}): OutgoingFrame {
  return {
    data: Uint8Array.of(1, 2, 3),
    kind,
    config: CONFIG,
    ptsUs: null,
    captureUs: 1_000_000 + ms * 1000,
    ...fields,
  };
}

/** A session that is connected and has credit for `frames`. */
function started(onFull: "wait" | "drop", frames: number): PublisherSession {
  const session = new PublisherSession({ session: "run", takeover: false, onFull });
  session.open();
  session.receive(welcome("publish"), 0);
  session.receive(credit(frames, 0), 0);
  return session;
}

/** Adds a frame for each letter, `k` or `d`, all captured at `ms`. */
function add(session: PublisherSession, kinds: string, ms = 0): void {
  for (const kind of kinds) session.add(coded(kind === "k" ? "key" : "delta", ms));
}

/** Headers of the frames that the session sends by now. */
function headers(session: PublisherSession): FrameHeader[] {
  const sent: FrameHeader[] = [];
  for (let message = session.next(); message !== undefined; message = session.next()) {
    if (typeof message !== "string") sent.push(decodeFrameMessage(message).header);
  }
  return sent;
}

function sequences(session: PublisherSession): number[] {
  return headers(session).map(({ sequence }) => sequence);
}

Deno.test("PublisherSession tells what a frame is: key, with its configuration, leading", () => {
  const session = started("wait", 4);
  session.add(coded("key", 0, { configuration: true }));
  session.add(coded("delta", 0, { leading: true, configuration: false }));
  session.add(coded("delta", 0, { leading: false }));
  session.add(coded("key"));
  assertEquals(
    headers(session).map(({ key, configuration, leading, discontinuity, catchUp }) => [
      key,
      configuration,
      leading,
      discontinuity,
      catchUp,
    ]),
    [
      [true, true, false, false, false],
      [false, false, true, false, false],
      [false, false, false, false, false],
      [true, false, false, false, false],
    ],
  );
});

Deno.test("PublisherSession that waits loses no delta frame, however long there is no credit", () => {
  const session = started("wait", 2);
  add(session, "kddd");
  add(session, "d".repeat(100), 60_000);
  add(session, "kd", 70_000);
  assertEquals([session.dropped, session.waiting], [0, 106]);
  assertEquals(sequences(session), [1, 2]);
  session.receive(credit(200, 2), 0);
  assertEquals(sequences(session), Array.from({ length: 104 }, (_, index) => index + 3));
});

Deno.test("PublisherSession with drop lets delta frames wait for credit for half a second", () => {
  const session = started("drop", 2);
  add(session, "kd", 0);
  assertEquals(sequences(session), [1, 2]);
  add(session, "d", 100);
  add(session, "d", 350);
  add(session, "d", 600);
  assertEquals([session.dropped, session.waiting], [0, 5]);
  session.receive(credit(9, 2), 0);
  assertEquals(sequences(session), [3, 4, 5]);
});

Deno.test("PublisherSession with drop drops the rest of a GOP that has waited for longer", () => {
  const session = started("drop", 2);
  add(session, "kd", 0);
  assertEquals(sequences(session), [1, 2]);
  add(session, "dd", 100);
  add(session, "d", 601);
  assertEquals([session.dropped, session.waiting], [3, 2]);
  // Credit does not help what needs the frames that are gone.
  session.receive(credit(9, 2), 0);
  add(session, "dd", 610);
  assertEquals([session.dropped, session.waiting, sequences(session)], [5, 0, []]);
  add(session, "kd", 620);
  assertEquals([session.dropped, sequences(session)], [5, [8, 9]]);
});

Deno.test("PublisherSession with drop lets at most 60 delta frames wait", () => {
  const session = started("drop", 1);
  add(session, "k");
  assertEquals(sequences(session), [1]);
  add(session, "d".repeat(60));
  assertEquals([session.dropped, session.waiting], [0, 61]);
  add(session, "d");
  assertEquals([session.dropped, session.waiting], [61, 1]);
  add(session, "dk");
  assertEquals([session.dropped, session.waiting], [62, 2]);
});

Deno.test("PublisherSession with drop bounds the bytes that wait", () => {
  const session = new PublisherSession({ session: "run", takeover: false, onFull: "drop" });
  session.open();
  const data = new Uint8Array(16 * 1024 * 1024);
  session.add(coded("key", 0, { data }));
  for (let count = 0; count < 3; count++) session.add(coded("delta", 1, { data }));
  assertEquals([session.waiting, session.dropped], [4, 0]);
  session.add(coded("delta", 2, { data }));
  assertEquals([session.waiting, session.dropped], [0, 5]);
});

Deno.test("PublisherSession with drop drops what waits for a key frame, which takes its place", () => {
  const session = started("drop", 1);
  add(session, "kddd", 0);
  assertEquals(sequences(session), [1]);
  add(session, "k", 10);
  assertEquals([session.dropped, session.waiting], [3, 2]);
  add(session, "dd", 20);
  add(session, "k", 30);
  assertEquals([session.dropped, session.waiting], [6, 2]);
  session.receive(credit(9, 1), 0);
  assertEquals(sequences(session), [8]);
});

Deno.test("PublisherSession with drop tells the relay by its sequences what it dropped", () => {
  const session = started("drop", 2);
  const relay = new RelaySession({ maxFrameBytes: 1000 });
  relay.grant({ frames: 9, bytes: 999 });
  relay.receive(session.open());
  session.receive(welcome("publish"), 0);
  session.receive(credit(2, 0), 0);
  const missing: number[] = [];
  const deliver = () => {
    for (let message = session.next(); message !== undefined; message = session.next()) {
      const event = relay.receive(message);
      if (event.type === "frame") missing.push(event.missing);
    }
  };
  add(session, "kd");
  deliver();
  add(session, "dddkd");
  session.receive(credit(9, 2), 0);
  deliver();
  assertEquals([missing, session.dropped], [[0, 0, 3, 0], 3]);
});

Deno.test("PublisherSession with drop that waits for a key frame still does over a new connection", () => {
  const session = started("drop", 3);
  add(session, "kdd");
  assertEquals(sequences(session), [1, 2, 3]);
  add(session, "d".repeat(61));
  assertEquals(session.dropped, 61);
  // What was sent is not confirmed, and is kept for the next connection.
  session.open();
  add(session, "dd");
  assertEquals([session.dropped, session.waiting], [63, 3]);
  session.receive(welcome("publish", 1), 0);
  session.receive(credit(9, 1), 0);
  assertEquals(sequences(session), [2, 3]);
  add(session, "kd");
  assertEquals(sequences(session), [67, 68]);
});

/** Connects to a run of the relay that has nothing of the session, and has credit for `frames`. */
function restarted(session: PublisherSession, run: string, frames = 5000): void {
  session.open();
  session.receive(welcome("publish", 0, run).replace(/(?<="maxFrameBytes":)\d+/, "1e9"), 0);
  session.receive(credit(frames, 0, 1e12), 0);
}

Deno.test("PublisherSession brings the relay's next run the GOP that it is in, also what was confirmed", () => {
  const session = started("wait", 9);
  add(session, "kdkdd");
  assertEquals(sequences(session), [1, 2, 3, 4, 5]);
  session.receive(credit(9, 4), 0);
  add(session, "d");
  assertEquals([sequences(session), session.waiting], [[6], 2]);
  restarted(session, "two");
  assertEquals([session.waiting, session.wantsFrame], [2, false]);
  const again = headers(session);
  assertEquals(
    again.map(({ sequence, key, catchUp }) => [sequence, key, catchUp]),
    [[3, true, true], [4, false, true], [5, false, false], [6, false, false]],
  );
  assertEquals([session.sent, session.dropped, session.waiting], [{ frames: 6, bytes: 18 }, 0, 2]);
  add(session, "d");
  assertEquals([sequences(session), session.sent.frames], [[7], 7]);
});

Deno.test("PublisherSession sends nothing twice to the same run, and goes on in the middle of a repetition", () => {
  const session = started("wait", 9);
  add(session, "kddd");
  assertEquals(sequences(session), [1, 2, 3, 4]);
  session.receive(credit(9, 4), 0);
  session.open();
  session.receive(welcome("publish", 4), 0);
  session.receive(credit(9, 4), 0);
  assertEquals(sequences(session), []);
  // The run is the same, though it has forgotten the session over another publisher.
  restarted(session, "one");
  assertEquals(sequences(session), []);
  restarted(session, "two", 3);
  assertEquals(sequences(session), [1, 2, 3]);
  session.open();
  session.receive(welcome("publish", 2, "two"), 0);
  session.receive(credit(9, 2), 0);
  assertEquals(sequences(session), [3, 4]);
  restarted(session, "three");
  assertEquals(sequences(session), [1, 2, 3, 4]);
});

Deno.test("PublisherSession gives up a GOP above the limit in frames or bytes, and keeps what is not confirmed", () => {
  for (const [count, bytes] of [[MAX_GOP_FRAMES, 1], [64, MAX_GOP_BYTES / 64]] as const) {
    for (const extra of [0, 1]) {
      const session = new PublisherSession({ session: "run", takeover: false, onFull: "wait" });
      restarted(session, "one");
      const data = new Uint8Array(bytes);
      for (let n = 0; n < count + extra; n++) {
        session.add(coded(n === 0 ? "key" : "delta", 0, { data: data.slice() }));
        sequences(session);
        session.receive(credit(5000, n + 1, 1e12), 0);
      }
      add(session, "d");
      sequences(session);
      restarted(session, "two");
      assertEquals(sequences(session).length, extra === 0 ? count + 1 : 1);
      // The next key frame begins anew.
      add(session, "kd");
      sequences(session);
      session.receive(credit(5000, count + extra + 3, 1e12), 0);
      restarted(session, "three");
      assertEquals(sequences(session).length, 2);
    }
  }
});

Deno.test("PublisherSession repeats the last of pictures that stand alone, and no other", () => {
  const session = started("wait", 9);
  add(session, "kkkk");
  assertEquals(sequences(session), [1, 2, 3, 4]);
  session.receive(credit(9, 3), 0);
  restarted(session, "two");
  assertEquals(sequences(session), [3, 4]);
});

Deno.test("PublisherSession with drop lets a repetition give way to a key frame, and counts it as nothing", () => {
  const session = started("drop", 9);
  add(session, "kddd", 0);
  assertEquals(sequences(session), [1, 2, 3, 4]);
  session.receive(credit(9, 4), 0);
  restarted(session, "two", 2);
  // What is repeated is old, which is no reason to drop what is new.
  add(session, "d", 900);
  assertEquals([session.dropped, session.waiting], [0, 1]);
  assertEquals(sequences(session), [1, 2]);
  add(session, "k", 1000);
  assertEquals([session.dropped, session.waiting], [1, 1]);
  session.receive(credit(9, 0), 0);
  assertEquals(headers(session).map(({ sequence, catchUp }) => [sequence, catchUp]), [[6, false]]);
});

Deno.test("PublisherSession sends no delta frame behind a gap, whatever credit and connections do", () => {
  const step = fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({
        kind: fc.constantFrom<FrameKind>("key", "delta", "delta", "delta", "delta", "delta"),
        count: fc.constantFrom(1, 1, 5, 70),
        afterMs: fc.constantFrom(0, 33, 33, 200),
      }),
    },
    { weight: 5, arbitrary: fc.record({ credit: fc.integer({ min: 1, max: 20 }) }) },
    { weight: 2, arbitrary: fc.record({ lost: fc.nat(4), isKilled: fc.boolean() }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100, size: "max" }), (steps) => {
      const session = started("drop", 5);
      /** Sequences that the relay has. */
      const has = new Set<number>();
      /** Those that its earlier runs had. */
      const had = new Set<number>();
      let received = 0;
      let run = 0;
      let sentHere = 0;
      let granted = 5;
      let added = 0;
      let ms = 0;
      /** Sent over this connection, and not yet at the relay. */
      let flying: FrameHeader[] = [];
      const arrive = (count: number) => {
        for (const { sequence, key } of flying.splice(0, count)) {
          assert(sequence > received);
          assert(key || has.has(sequence - 1), `delta frame ${sequence} behind a gap`);
          has.add(sequence);
          received = sequence;
        }
      };
      const pump = () => {
        const sent = headers(session);
        sentHere += sent.length;
        flying.push(...sent);
      };
      for (const step of steps) {
        if ("kind" in step) {
          for (let n = 0; n < step.count; n++) {
            ms += step.afterMs;
            const kind = added === 0 ? "key" : n === 0 ? step.kind : "delta";
            session.add(coded(kind, ms));
            added++;
            pump();
          }
        } else if ("credit" in step) {
          arrive(Infinity);
          granted = Math.max(granted, sentHere + step.credit);
          session.receive(credit(granted, received), 0);
          pump();
        } else {
          arrive(step.lost);
          flying = [];
          sentHere = 0;
          granted = 3;
          if (step.isKilled) {
            run++;
            received = 0;
            has.forEach((sequence) => had.add(sequence));
            has.clear();
          }
          session.open();
          session.receive(welcome("publish", received, `run ${run}`), 0);
          session.receive(credit(granted, received), 0);
          pump();
        }
      }
      granted = 1e6;
      arrive(Infinity);
      session.receive(credit(granted, received), 0);
      pump();
      arrive(Infinity);
      session.receive(credit(granted, received), 0);
      assertEquals(session.waiting, 0);
      // A frame may count as dropped though the relay has it, where the connection was lost.
      has.forEach((sequence) => had.add(sequence));
      assert(had.size + session.dropped >= added);
    }),
    { seed: 1, numRuns: 300 },
  );
});
