// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ProtocolError } from "../../src/errors.ts";
import {
  type ClientMessage,
  decodeClientMessage,
  decodeServerMessage,
  encodeControl,
  type ServerMessage,
} from "../../src/wire/control_message.ts";

const text = fc.string({ unit: "grapheme", maxLength: 100 });
const count = fc.maxSafeNat();
const config = fc.record({
  type: fc.constant("config" as const),
  epoch: count,
  format: fc.constantFrom("raw" as const, "mjpeg" as const, "png" as const, "y4m" as const),
  codec: fc.option(text),
  width: fc.option(fc.integer({ min: 1 })),
  height: fc.option(fc.integer({ min: 1 })),
  pixelFormat: fc.option(text),
  frameRate: fc.option(fc.double({ min: 0, max: 1000, noNaN: true }).map((value) => value + 0)),
  header: fc.option(text),
});

const viewerConfig = fc.tuple(config, fc.option(text), fc.maxSafeInteger())
  .map(([fields, session, offset]) => ({ ...fields, session, offset: offset + 0 }));

const clientMessages: fc.Arbitrary<ClientMessage> = fc.oneof(
  fc.record({
    type: fc.constant("hello" as const),
    version: fc.constant(1),
    role: fc.constant("publish" as const),
    session: text.filter((session) => session !== ""),
    takeover: fc.boolean(),
    onFull: fc.constantFrom("wait" as const, "drop" as const),
    live: fc.option(fc.boolean()),
    heldMs: fc.double({ min: 0, max: 86_400_000, noNaN: true }).map((value) => value + 0),
  }),
  fc.record({
    type: fc.constant("hello" as const),
    version: fc.constant(1),
    role: fc.constant("watch" as const),
    fps: fc.option(fc.double({ min: 0.001, max: 1000, noNaN: true })),
    maxDelayMs: fc.double({ min: 1, max: 60_000, noNaN: true }),
  }),
  config,
  fc.record({
    type: fc.constant("ack" as const),
    sequence: count.map((value) => value || 1),
    heldMs: fc.double({ min: 0, max: 1000, noNaN: true }).map((value) => value || 0),
  }),
  fc.record({
    type: fc.constant("time" as const),
    clientUs: count,
    roundTripUs: fc.option(count),
  }),
  fc.record({ type: fc.constant("end" as const) }),
);

const serverMessages: fc.Arbitrary<ServerMessage> = fc.oneof(
  fc.record({
    type: fc.constant("welcome" as const),
    version: fc.integer({ min: 1 }),
    role: fc.constantFrom("publish" as const, "watch" as const),
    stream: text,
    run: text,
    fps: fc.oneof(fc.constant("source" as const), fc.integer({ min: 1, max: 1000 })),
    maxFrameBytes: fc.integer({ min: 1 }),
    publishing: fc.boolean(),
    received: count,
    flags: fc.nat(255),
  }),
  fc.record({ type: fc.constant("credit" as const), frames: count, bytes: count, received: count }),
  viewerConfig,
  fc.record({ type: fc.constant("time" as const), clientUs: count, serverUs: count }),
  fc.record({ type: fc.constant("end" as const) }),
);

Deno.test("decodeClientMessage reads what encodeControl writes", () => {
  fc.assert(
    fc.property(clientMessages, (message) => {
      assertEquals(decodeClientMessage(encodeControl(message)), message);
    }),
    { seed: 1, numRuns: 1000 },
  );
});

Deno.test("decodeServerMessage reads what encodeControl writes", () => {
  fc.assert(
    fc.property(serverMessages, (message) => {
      assertEquals(decodeServerMessage(encodeControl(message)), message);
    }),
    { seed: 1, numRuns: 1000 },
  );
});

/** Texts that are anything, JSON, or nearly a message. */
const texts = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.json({ maxDepth: 3 }),
  fc.tuple(
    fc.oneof(clientMessages, serverMessages),
    fc.dictionary(
      fc.constantFrom("type", "version", "role", "fps", "sequence", "epoch", "format", "__proto__"),
      fc.jsonValue({ maxDepth: 1 }),
    ),
  ).map(([message, changes]) => JSON.stringify({ ...message, ...changes })),
  fc.tuple(fc.oneof(clientMessages, serverMessages), fc.nat(), fc.string({ maxLength: 2 })).map(
    ([message, at, insert]) => {
      const text = JSON.stringify(message);
      const index = at % text.length;
      return text.slice(0, index) + insert + text.slice(index + 1);
    },
  ),
);

for (const decode of [decodeClientMessage, decodeServerMessage]) {
  Deno.test(`${decode.name} gives a message or a ProtocolError for any text`, () => {
    let read = 0;
    let refused = 0;
    fc.assert(
      fc.property(texts, (text) => {
        try {
          assert(typeof decode(text).type === "string");
          read++;
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
          assert([1002, 1007, 1009, 4001].includes(error.closeCode));
          assert(error.message.length < 200, error.message);
          refused++;
        }
      }),
      { seed: 1, numRuns: 10_000 },
    );
    assert(read > 500 && refused > 5000, `${read} read, ${refused} refused`);
  });
}

Deno.test("decodeClientMessage names the field that is wrong and what it may be", () => {
  const error = assertThrows(
    () => decodeClientMessage('{"type":"ack","sequence":"7"}'),
    ProtocolError,
  );
  assertStringIncludes(error.message, '"sequence" of a ack message is not an integer from 1');
});

Deno.test("decodeClientMessage shows no more than the start of an unknown type", () => {
  const error = assertThrows(
    () => decodeClientMessage(JSON.stringify({ type: "x".repeat(10_000) })),
    ProtocolError,
  );
  assert(error.message.length < 100);
});
