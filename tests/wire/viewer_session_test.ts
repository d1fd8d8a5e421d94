/** The viewer's session, in memory. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ProtocolError } from "../../src/errors.ts";
import { encodeControl, type ServerMessage } from "../../src/wire/control_message.ts";
import { PublisherSession } from "../../src/wire/publisher_session.ts";
import { RelaySession } from "../../src/wire/relay_session.ts";
import { type ViewerEvent, ViewerSession } from "../../src/wire/viewer_session.ts";
import { CONFIGS, credit, type Message, outgoing, toViewer, welcome } from "./messages.ts";

function configText(epoch: number): string {
  return encodeControl({ type: "config", epoch, ...CONFIGS[0]! });
}

function viewer(...messages: Message[]): ViewerSession {
  const session = new ViewerSession({ fps: null, maxDelayMs: 500 });
  session.open();
  for (const message of [welcome("watch"), configText(1), ...messages]) session.receive(message, 0);
  return session;
}

function frameEvent(event: ViewerEvent): Extract<ViewerEvent, { type: "frame" }> {
  assert(event.type === "frame");
  return event;
}

Deno.test("ViewerSession says hello with what it wants, and acknowledges", () => {
  const relay = new RelaySession({ maxFrameBytes: 1000 });
  const session = new ViewerSession({ fps: 12.5, maxDelayMs: 100 });
  assertEquals(relay.receive(session.open()), {
    type: "hello",
    version: 1,
    role: "watch",
    fps: 12.5,
    maxDelayMs: 100,
  });
  assertEquals(relay.receive(session.acknowledge(9)), { type: "ack", sequence: 9, heldMs: 0 });
  assertEquals(relay.receive(session.askTime(5)), { type: "time", clientUs: 5, roundTripUs: null });
});

Deno.test("ViewerSession confirms the first frames of each connection at once, others together", () => {
  const relay = new RelaySession({ maxFrameBytes: 1000 });
  const session = new ViewerSession({ fps: null, maxDelayMs: 500 });
  relay.receive(session.open());
  const ack = (text: string | undefined) => text === undefined ? undefined : relay.receive(text);
  for (const connection of [1, 2]) {
    const first = connection * 10;
    for (let sequence = first - 3; sequence <= first; sequence++) {
      assertEquals(ack(session.confirm(sequence, 0)), { type: "ack", sequence, heldMs: 0 });
    }
    assertEquals([session.confirm(first + 1, 10), session.confirm(first + 2, 20)], [
      undefined,
      undefined,
    ]);
    assertEquals([session.confirmDeadlineMs, session.confirmDue(134)], [135, undefined]);
    const due = { type: "ack", sequence: first + 2, heldMs: 115 } as const;
    assertEquals(ack(session.confirmDue(135)), due);
    assertEquals([session.confirmDeadlineMs, session.confirmRest(136)], [Infinity, undefined]);
    assertEquals(session.confirm(first + 3, 140), undefined);
    const rest = { type: "ack", sequence: first + 3, heldMs: 1 } as const;
    assertEquals(ack(session.confirmRest(141)), rest);
    session.open();
  }
});

Deno.test("ViewerSession gives frames with their configuration", () => {
  const session = viewer();
  const { header, data, config, isNew, latencyUs } = frameEvent(session.receive(toViewer(1), 0));
  assertEquals([header.sequence, data, isNew, latencyUs], [1, Uint8Array.of(7), true, undefined]);
  assertEquals(config, CONFIGS[0]!);
});

Deno.test("ViewerSession counts the frames that passed it by since its first", () => {
  const session = viewer(toViewer(50), toViewer(51), toViewer(55), toViewer(56));
  assertEquals(session.skipped, 3);
});

Deno.test("ViewerSession knows frames of an earlier connection again", () => {
  const session = viewer(toViewer(5), toViewer(6));
  session.open();
  assertEquals(session.welcome, undefined);
  session.receive(welcome("watch"), 0);
  session.receive(configText(1), 0);
  assertEquals(frameEvent(session.receive(toViewer(6, { catchUp: true }), 0)).isNew, false);
  assertEquals(frameEvent(session.receive(toViewer(7), 0)).isNew, true);
  assertEquals(session.skipped, 0);
});

Deno.test("ViewerSession takes every frame of a relay that has started anew", () => {
  const session = viewer(toViewer(500));
  session.open();
  session.receive(welcome("watch", 0, "two"), 0);
  session.receive(configText(1), 0);
  assertEquals(frameEvent(session.receive(toViewer(1), 0)).isNew, true);
  assertEquals(session.skipped, 0);
});

/** The relay's next run, with `session` as the publisher's. */
function restart(
  session: ViewerSession,
  run: string,
  config: { session: string | null; offset: number; format?: "png" },
): void {
  const { format, ...origin } = config;
  session.open();
  session.receive(welcome("watch", 0, run), 0);
  const fields = CONFIGS[format === "png" ? 1 : 0]!;
  session.receive(encodeControl({ type: "config", epoch: 1, ...fields, ...origin }), 0);
}

/** Whether each frame is new, as it comes. */
function news(session: ViewerSession, ...sequences: number[]): boolean[] {
  return sequences.map((sequence) => frameEvent(session.receive(toViewer(sequence), 0)).isNew);
}

Deno.test("ViewerSession knows frames of a publisher's session again in the relay's next run", () => {
  const session = viewer();
  restart(session, "one", { session: "s", offset: 100 });
  assertEquals(news(session, 101, 102, 104), [true, true, true]);
  assertEquals(session.skipped, 1);
  // Published as 3, 4, 5 and 8.
  restart(session, "two", { session: "s", offset: -2 });
  assertEquals(news(session, 1, 2, 3, 3, 6), [false, false, true, false, true]);
  assertEquals(session.skipped, 3);
  restart(session, "two", { session: "s", offset: -2 });
  assertEquals(news(session, 5, 6, 7), [false, false, true]);
  assertEquals(session.skipped, 3);
});

Deno.test("ViewerSession takes every frame of another session, and of none, in the relay's next run", () => {
  for (const other of ["other", null]) {
    const session = viewer();
    restart(session, "one", { session: "s", offset: 0 });
    assertEquals(news(session, 500), [true]);
    restart(session, "two", { session: other, offset: 0 });
    assertEquals(news(session, 1, 2, 2), [true, true, false]);
    // The first one is not the session of the last frame any more.
    restart(session, "three", { session: "s", offset: 0 });
    assertEquals(news(session, 500), [true]);
    assertEquals(session.skipped, 0);
  }
});

Deno.test("ViewerSession sees a gap between two sessions of the same run by the relay's sequences", () => {
  const session = viewer();
  restart(session, "one", { session: "s", offset: 0 });
  assertEquals(news(session, 7), [true]);
  restart(session, "one", { session: "t", offset: 7 });
  assertEquals(news(session, 7, 10), [false, true]);
  assertEquals(session.skipped, 2);
});

Deno.test("ViewerSession sees no discontinuity where a session goes on over the relay's next run", () => {
  const isBreak = (session: ViewerSession, sequence: number) =>
    frameEvent(session.receive(toViewer(sequence, { discontinuity: true }), 0))
      .header.discontinuity;
  const session = viewer();
  restart(session, "one", { session: "s", offset: 0 });
  assertEquals(isBreak(session, 1), true);
  restart(session, "two", { session: "s", offset: -9 });
  assertEquals(isBreak(session, 1), false);
  restart(session, "three", { session: "s", offset: -19, format: "png" });
  assertEquals(isBreak(session, 1), true);
  restart(session, "four", { session: "t", offset: -29, format: "png" });
  assertEquals(isBreak(session, 1), true);
});

Deno.test("ViewerSession measures the latency once the clocks have been compared", () => {
  const session = viewer();
  session.receive(encodeControl({ type: "time", clientUs: 100, serverUs: 5_000_150 }), 200);
  const event = frameEvent(session.receive(toViewer(1, { captureUs: 5_000_000 }), 30_000));
  assertEquals(event.latencyUs, 30_000);
  const future = frameEvent(session.receive(toViewer(2, { captureUs: 5_090_000 }), 60_000));
  assertEquals(future.latencyUs, 0);
});

Deno.test("ViewerSession passes on the end and keeps the numbers", () => {
  const session = viewer();
  assertEquals(session.receive('{"type":"end"}', 0), { type: "end" });
  assertEquals(session.stats, undefined);
  session.receive('{"type":"stats","stream":{"name":"live"},"viewer":null}', 0);
  assertEquals(session.stats?.stream.name, "live");
});

Deno.test("ViewerSession refuses what a relay does not send to a viewer", () => {
  const refused: [Message, number][] = [
    [toViewer(1, { epoch: 2 }), 1002],
    [credit(1, 1), 1002],
    [new Uint8Array(3), 1002],
    ["nonsense", 1007],
  ];
  for (const [message, closeCode] of refused) {
    const error = assertThrows(() => viewer().receive(message, 0), ProtocolError);
    assertEquals(error.closeCode, closeCode);
  }
});

Deno.test("ViewerSession refuses a frame before its configuration, over every connection", () => {
  const session = viewer(toViewer(1));
  session.open();
  session.receive(welcome("watch"), 0);
  assertThrows(() => session.receive(toViewer(2), 0), ProtocolError, "without its configuration");
});

Deno.test("ViewerSession counts a gap of a billion frames, and takes none that is larger", () => {
  for (const missing of [1e9, 1e9 + 1]) {
    const session = new ViewerSession({ fps: null, maxDelayMs: 500 });
    session.open();
    session.receive(welcome("watch"), 0);
    session.receive(
      encodeControl({ type: "config", epoch: 1, ...CONFIGS[0]!, session: null, offset: 0 }),
      0,
    );
    session.receive(toViewer(3), 0);
    const take = () => session.receive(toViewer(4 + missing), 0);
    if (missing > 1e9) assertThrows(take, ProtocolError, "1000000001 frames are missing before");
    else take();
    assertEquals(session.skipped, missing > 1e9 ? 0 : 1e9);
  }
});

Deno.test("PublisherSession and ViewerSession throw only ProtocolErrors, whatever a relay sends", () => {
  const messages: ServerMessage[] = [
    { type: "credit", frames: 5, bytes: 50, received: 1 },
    { type: "config", epoch: 1, ...CONFIGS[0]!, session: "s", offset: 0 },
    { type: "time", clientUs: 1, serverUs: 2 },
    { type: "end" },
  ];
  const message = fc.oneof(
    fc.constantFrom<Message>(welcome("publish"), ...messages.map(encodeControl)),
    fc.tuple(fc.integer({ min: 1, max: 9 }), fc.nat(2)).map(
      ([sequence, epoch]): Message => toViewer(sequence, { epoch }),
    ),
    fc.json(),
    fc.uint8Array({ maxLength: 50 }).map((bytes): Message => Uint8Array.from(bytes)),
  );
  fc.assert(
    fc.property(fc.array(message, { maxLength: 40, size: "max" }), (messages) => {
      const viewer = new ViewerSession({ fps: null, maxDelayMs: 500 });
      const sender = new PublisherSession({ session: "run", takeover: false, onFull: "wait" });
      viewer.open();
      sender.open();
      for (const message of messages) {
        for (const session of [viewer, sender]) {
          try {
            session.receive(message, 5);
          } catch (error) {
            if (!(error instanceof ProtocolError)) throw error;
          }
        }
        if (sender.wantsFrame) sender.add(outgoing(1));
        sender.next();
      }
    }),
    { seed: 1, numRuns: 500 },
  );
});
