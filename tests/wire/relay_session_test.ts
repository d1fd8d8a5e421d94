// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { bareConfig } from "../../src/core/frame.ts";
import { ProtocolError } from "../../src/errors.ts";
import { RelaySession } from "../../src/wire/relay_session.ts";
import { fromPublisher } from "./messages.ts";

type Message = string | Uint8Array<ArrayBuffer>;

const PUBLISH = JSON.stringify({ type: "hello", version: 1, role: "publish", session: "a" });
const WATCH = JSON.stringify({ type: "hello", version: 1, role: "watch" });
const CONFIG = JSON.stringify({ type: "config", epoch: 0, ...bareConfig("mjpeg") });
const ACK = '{"type":"ack","sequence":1}';
const TIME = '{"type":"time","clientUs":1}';
const END = '{"type":"end"}';

function frameMessage(sequence: number, bytes = 10): Uint8Array<ArrayBuffer> {
  return fromPublisher(sequence, new Uint8Array(bytes));
}

function sessionAfter(...messages: Message[]): RelaySession {
  const session = new RelaySession({ maxFrameBytes: 100 });
  session.grant({ frames: 100, bytes: 10_000 });
  for (const message of messages) session.receive(message);
  return session;
}

const ALL: Record<string, Message> = {
  "a publisher's hello": PUBLISH,
  "a viewer's hello": WATCH,
  "a config": CONFIG,
  "an ack": ACK,
  "a time": TIME,
  "an end": END,
  "a frame": frameMessage(1),
};

/** What each state allows; everything else in it is an error. */
const STATES: [state: string, before: Message[], allowed: string[]][] = [
  ["before the hello", [], ["a publisher's hello", "a viewer's hello"]],
  ["from a publisher without configuration", [PUBLISH], ["a config", "a time", "an end"]],
  ["from a publisher", [PUBLISH, CONFIG], ["a config", "a time", "an end", "a frame"]],
  ["from a viewer", [WATCH], ["an ack", "a time"]],
  ["after the end", [PUBLISH, CONFIG, END], ["a time"]],
];

for (const [state, before, allowed] of STATES) {
  for (const [name, message] of Object.entries(ALL)) {
    const isAllowed = allowed.includes(name);
    Deno.test(`RelaySession ${isAllowed ? "takes" : "refuses"} ${name} ${state}`, () => {
      const session = sessionAfter(...before);
      if (isAllowed) return void session.receive(message);
      const error = assertThrows(() => session.receive(message), ProtocolError);
      assertEquals(error.closeCode, 1002);
      assertStringIncludes(error.message, "is not allowed");
    });
  }
}

Deno.test("RelaySession goes on behind a hello that another has read", () => {
  const session = new RelaySession({ maxFrameBytes: 100, role: "publish" });
  assertThrows(() => session.receive(PUBLISH), ProtocolError, "not allowed from a publisher");
  assertEquals(session.receive(CONFIG).type, "config");
  const viewer = new RelaySession({ maxFrameBytes: 100, role: "watch" });
  assertThrows(() => viewer.receive(CONFIG), ProtocolError, "not allowed from a viewer");
  assertEquals(viewer.receive(ACK).type, "ack");
});

Deno.test("RelaySession tells what a viewer wants", () => {
  const session = sessionAfter();
  assertEquals(session.receive(WATCH), {
    type: "hello",
    version: 1,
    role: "watch",
    fps: null,
    maxDelayMs: 500,
  });
  assertEquals(session.receive(ACK), { type: "ack", sequence: 1, heldMs: 0 });
});

Deno.test("RelaySession counts frames and bytes of this connection", () => {
  const session = sessionAfter(PUBLISH, CONFIG, frameMessage(3, 10), frameMessage(4, 20));
  assertEquals(session.totals, { frames: 2, bytes: 30 });
  assertEquals(session.received, 4);
});

Deno.test("RelaySession takes a frame of maxFrameBytes and refuses one byte more", () => {
  const session = sessionAfter(PUBLISH, CONFIG, frameMessage(1, 100));
  const error = assertThrows(() => session.receive(frameMessage(2, 101)), ProtocolError);
  assertEquals(error.closeCode, 1009);
});

Deno.test("RelaySession refuses a frame beyond the credit in frames with 4006", () => {
  const session = new RelaySession({ maxFrameBytes: 100 });
  session.receive(PUBLISH);
  session.receive(CONFIG);
  session.grant({ frames: 2, bytes: 10_000 });
  session.receive(frameMessage(1));
  session.receive(frameMessage(2));
  const error = assertThrows(() => session.receive(frameMessage(3)), ProtocolError);
  assertEquals(error.closeCode, 4006);
});

Deno.test("RelaySession refuses a frame without any credit with 4006", () => {
  const session = new RelaySession({ maxFrameBytes: 100 });
  session.receive(PUBLISH);
  session.receive(CONFIG);
  const error = assertThrows(() => session.receive(frameMessage(1)), ProtocolError);
  assertEquals(error.closeCode, 4006);
});

Deno.test("RelaySession lets a frame begin below the credit in bytes, and none at it", () => {
  const session = new RelaySession({ maxFrameBytes: 100 });
  session.receive(PUBLISH);
  session.receive(CONFIG);
  session.grant({ frames: 100, bytes: 50 });
  session.receive(frameMessage(1, 49));
  session.receive(frameMessage(2, 100));
  const error = assertThrows(() => session.receive(frameMessage(3, 1)), ProtocolError);
  assertEquals(error.closeCode, 4006);
});

Deno.test("RelaySession refuses a sequence that does not grow", () => {
  for (const sequence of [4, 5]) {
    const session = sessionAfter(PUBLISH, CONFIG, frameMessage(5));
    const error = assertThrows(() => session.receive(frameMessage(sequence)), ProtocolError);
    assertEquals(error.closeCode, 1002);
  }
});

Deno.test("RelaySession tells how many frames the publisher left out", () => {
  const missing = (session: RelaySession, sequence: number) => {
    const event = session.receive(frameMessage(sequence));
    return event.type === "frame" ? event.missing : undefined;
  };
  const session = sessionAfter(PUBLISH, CONFIG);
  // Nothing is known of what a publisher did before the relay knew it.
  assertEquals(missing(session, 7), 0);
  assertEquals(missing(session, 8), 0);
  assertEquals(missing(session, 12), 3);
  const resumed = sessionAfter(PUBLISH, CONFIG);
  resumed.resume(12);
  assertEquals(resumed.received, 12);
  assertEquals(missing(resumed, 15), 2);
});

Deno.test("RelaySession takes any first sequence, then a gap of ten million frames and no longer one", () => {
  const first = Number.MAX_SAFE_INTEGER - 50_000_000;
  const session = sessionAfter(PUBLISH, CONFIG, frameMessage(first));
  const event = session.receive(frameMessage(first + 10_000_001));
  assert(event.type === "frame");
  assertEquals(event.missing, 10_000_000);
  const error = assertThrows(
    () => session.receive(frameMessage(first + 20_000_003)),
    ProtocolError,
    "at most 10000000 may be missing",
  );
  assertEquals(error.closeCode, 1002);
});

Deno.test("RelaySession refuses what the connection before has brought already", () => {
  const session = sessionAfter(PUBLISH, CONFIG);
  session.resume(12);
  assertThrows(() => session.receive(frameMessage(12)), ProtocolError);
});

Deno.test("RelaySession grants credit only where it adds a quarter, and never takes it back", () => {
  const session = new RelaySession({ maxFrameBytes: 100 });
  session.receive(PUBLISH);
  session.receive(CONFIG);
  const granted = { type: "credit", frames: 8, bytes: 1000, received: 0 };
  assertEquals(session.grant({ frames: 8, bytes: 1000 }) as unknown, granted);
  assertEquals(session.grant({ frames: 8, bytes: 1000 }), undefined);
  assertEquals(session.grant({ frames: 10, bytes: 1100 }), undefined);
  assertEquals(session.grant({ frames: 11, bytes: 900 })?.frames, 11);
  assertEquals(session.grant({ frames: 3, bytes: 5 }), undefined);
  for (let sequence = 1; sequence <= 11; sequence++) session.receive(frameMessage(sequence));
  assertEquals(session.grant({ frames: 12, bytes: 1001 }) as unknown, {
    type: "credit",
    frames: 12,
    bytes: 1001,
    received: 11,
  });
});

Deno.test("RelaySession never leaves a publisher without credit that the stream has for it", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(20), fc.nat(300), fc.nat(30)), { maxLength: 60 }),
      (steps) => {
        const session = new RelaySession({ maxFrameBytes: 100 });
        session.receive(PUBLISH);
        session.receive(CONFIG);
        let told = { frames: 0, bytes: 0 };
        let sequence = 0;
        for (const [frames, bytes, size] of steps) {
          const used = session.totals;
          const credit = { frames: used.frames + frames, bytes: used.bytes + bytes };
          told = session.grant(credit) ?? told;
          const isStuck = used.frames >= told.frames || used.bytes >= told.bytes;
          assert(!isStuck || frames === 0 || bytes === 0);
          if (!isStuck) session.receive(frameMessage(++sequence, size + 1));
        }
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

Deno.test("RelaySession gives an event or a ProtocolError for any messages in any order", () => {
  const valid = fc.constantFrom<Message>(PUBLISH, WATCH, CONFIG, ACK, TIME, END);
  const frames = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.nat(120)).map(
    ([sequence, bytes]): Message => frameMessage(sequence, bytes + 1),
  );
  const changed = fc.tuple(fc.oneof(valid, frames), fc.nat(), fc.nat(255)).map(
    ([message, at, value]): Message => {
      const index = at % message.length;
      if (typeof message === "string") {
        return message.slice(0, index) + String.fromCharCode(value) + message.slice(index + 1);
      }
      const copy = message.slice();
      copy[index] = value;
      return copy;
    },
  );
  const cut = fc.tuple(fc.oneof(valid, frames), fc.nat()).map(
    ([message, at]): Message => message.slice(0, at % message.length),
  );
  const noise = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.uint8Array({ maxLength: 60 }).map((bytes): Message => Uint8Array.from(bytes)),
  );
  const message = fc.oneof(
    { weight: 4, arbitrary: valid },
    { weight: 6, arbitrary: frames },
    { weight: 2, arbitrary: changed },
    { weight: 1, arbitrary: cut },
    { weight: 1, arbitrary: noise },
  );
  const greeting = fc.constantFrom([], [PUBLISH], [PUBLISH, CONFIG], [WATCH]);
  let messages = 0;
  const events = new Map<string, number>();
  fc.assert(
    fc.property(
      greeting,
      fc.array(message, { minLength: 40, maxLength: 60, size: "max" }),
      (greeting, some) => {
        const session = sessionAfter(...greeting);
        for (const message of some) {
          messages++;
          const before = session.totals;
          try {
            const { type } = session.receive(message);
            events.set(type, (events.get(type) ?? 0) + 1);
          } catch (error) {
            if (!(error instanceof ProtocolError)) throw error;
            assert(error.closeCode >= 1002 && error.closeCode < 5000);
            assertEquals(session.totals, before);
          }
        }
      },
    ),
    { seed: 1, numRuns: 250 },
  );
  assert(messages >= 10_000);
  for (const type of ["hello", "config", "ack", "time", "end", "frame"]) {
    assert((events.get(type) ?? 0) > 20, `${type}: ${events.get(type)}`);
  }
});
