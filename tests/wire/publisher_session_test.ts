/** The publisher's session against the relay's, in memory. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ProtocolError } from "../../src/errors.ts";
import { encodeControl } from "../../src/wire/control_message.ts";
import { PublisherSession } from "../../src/wire/publisher_session.ts";
import { type RelayEvent, RelaySession } from "../../src/wire/relay_session.ts";
import { CONFIGS, credit, type Message, outgoing, welcome } from "./messages.ts";

function publisher(onFull: "wait" | "drop" = "wait"): PublisherSession {
  return new PublisherSession({ session: "run", takeover: false, onFull });
}

/** A relay that takes one publisher's frames, over one connection after the other. */
class Relay {
  /** Sequence and number of each frame that came, in the order in which they came. */
  readonly frames: [sequence: number, number: number][] = [];
  readonly configs: string[] = [];
  missing = 0;
  hasEnded = false;
  #session = new RelaySession({ maxFrameBytes: 1000 });

  connect(): void {
    const { received } = this.#session;
    this.#session = new RelaySession({ maxFrameBytes: 1000 });
    this.#session.resume(received);
  }

  /** Takes a message and returns the answers; credit is for four frames each time. */
  receive(message: Message): string[] {
    const event = this.#session.receive(message);
    const answers: string[] = [];
    if (event.type === "hello") answers.push(welcome("publish", this.#session.received));
    if (event.type === "config") this.configs.push(event.format);
    if (event.type === "frame") this.#take(event);
    if (event.type === "end") {
      this.hasEnded = true;
      answers.push('{"type":"end"}');
    }
    const { frames, bytes } = this.#session.totals;
    const grant = this.#session.grant({ frames: frames + 4, bytes: bytes + 12 });
    if (grant !== undefined && event.type !== "end") answers.push(encodeControl(grant));
    return answers;
  }

  #take({ message, missing }: Extract<RelayEvent, { type: "frame" }>): void {
    this.missing += missing;
    this.frames.push([message.header.sequence, message.data[0]! << 8 | message.data[1]!]);
  }
}

/** One connection with what is under way in it; it can be cut anywhere. */
class Link {
  readonly #toRelay: Message[] = [];
  readonly #toPublisher: string[] = [];
  readonly #relay: Relay;
  readonly #publisher: PublisherSession;

  constructor(relay: Relay, publisher: PublisherSession) {
    this.#relay = relay;
    this.#publisher = publisher;
    relay.connect();
    this.#toRelay.push(publisher.open());
  }

  /** The publisher sends what it may. */
  pump(): void {
    for (let message = this.#publisher.next(); message; message = this.#publisher.next()) {
      this.#toRelay.push(typeof message === "string" ? message : message.slice());
    }
  }

  /** One message arrives at the relay. */
  up(): boolean {
    const message = this.#toRelay.shift();
    if (message === undefined) return false;
    this.#toPublisher.push(...this.#relay.receive(message));
    return true;
  }

  /** One message arrives at the publisher. */
  down(): boolean {
    const message = this.#toPublisher.shift();
    if (message === undefined) return false;
    this.#publisher.receive(message, 0);
    this.pump();
    return true;
  }

  /** Everything arrives. */
  settle(): void {
    this.pump();
    while (this.up() || this.down()) this.pump();
  }
}

Deno.test("PublisherSession brings every frame, its configuration before it, and the end", () => {
  const session = publisher();
  const relay = new Relay();
  const link = new Link(relay, session);
  link.settle();
  for (let number = 1; number <= 20; number++) {
    assert(session.wantsFrame, `frame ${number}`);
    session.add(outgoing(number));
    link.settle();
  }
  assert(!session.isDone);
  session.end();
  link.settle();
  assertEquals(relay.frames, Array.from({ length: 20 }, (_, index) => [index + 1, index + 1]));
  assertEquals(relay.configs, ["mjpeg", "png", "mjpeg"]);
  assert(relay.hasEnded && session.isDone);
});

Deno.test("PublisherSession sends nothing before the welcome and nothing without credit", () => {
  const session = publisher();
  assertEquals(JSON.parse(session.open()), {
    type: "hello",
    version: 1,
    role: "publish",
    session: "run",
    takeover: false,
    onFull: "wait",
    live: null,
    heldMs: 0,
  });
  session.add(outgoing(1));
  assertEquals([session.next(), session.wantsFrame], [undefined, false]);
  session.receive(welcome("publish"), 0);
  assertEquals(session.next(), undefined);
  session.receive(credit(1, 0), 0);
  assertEquals(typeof session.next(), "string");
  assert(session.next() instanceof Uint8Array);
  session.add(outgoing(2));
  assertEquals([session.next(), session.wantsFrame, session.waiting], [undefined, false, 2]);
  session.receive(credit(2, 1), 0);
  assertEquals(session.waiting, 1);
  assert(session.next() instanceof Uint8Array);
});

Deno.test("PublisherSession lets a frame begin below the credit in bytes, and none at it", () => {
  const session = publisher();
  session.open();
  session.receive(welcome("publish"), 0);
  session.receive(credit(100, 0, 4), 0);
  for (let number = 1; number <= 3; number++) session.add(outgoing(number));
  assertEquals(typeof session.next(), "string");
  assert(session.next() instanceof Uint8Array);
  assert(session.next() instanceof Uint8Array);
  assertEquals(session.next(), undefined);
});

Deno.test("PublisherSession with drop keeps the newest frame and tells what is missing", () => {
  const session = publisher("drop");
  const relay = new Relay();
  const link = new Link(relay, session);
  link.settle();
  for (let number = 1; number <= 10; number++) {
    session.add(outgoing(number));
    link.pump();
  }
  // Four had credit, one waits, five gave way to a newer one.
  assertEquals([session.dropped, session.waiting], [5, 5]);
  link.settle();
  assertEquals(relay.frames.map(([, number]) => number), [1, 2, 3, 4, 10]);
  assertEquals(relay.missing, 5);
});

Deno.test("PublisherSession stamps frames by the relay's clock", () => {
  const session = publisher();
  const relay = new RelaySession({ maxFrameBytes: 1000 });
  relay.grant({ frames: 9, bytes: 999 });
  relay.receive(session.open());
  session.receive(welcome("publish"), 0);
  session.receive(credit(9, 0), 0);
  const request = relay.receive(session.askTime(500));
  assertEquals(request, { type: "time", clientUs: 500, roundTripUs: null });
  session.receive(encodeControl({ type: "time", clientUs: 500, serverUs: 8_000_000 }), 700);
  session.add(outgoing(1));
  relay.receive(session.next()!);
  const event = relay.receive(session.next()!);
  assert(event.type === "frame");
  assertEquals(event.message.header.captureUs, 1_000_001 + 8_000_000 - 600);
});

Deno.test("PublisherSession goes on after lost connections without loss or repetition", () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constant("add" as const) },
    { weight: 8, arbitrary: fc.constant("up" as const) },
    { weight: 6, arbitrary: fc.constant("down" as const) },
    { weight: 1, arbitrary: fc.constant("cut" as const) },
  );
  fc.assert(
    fc.property(
      fc.constantFrom("wait" as const, "drop" as const),
      fc.array(step, { maxLength: 300, size: "max" }),
      fc.boolean(),
      (onFull, steps, isCutAtEnd) => {
        const session = publisher(onFull);
        const relay = new Relay();
        let link = new Link(relay, session);
        let added = 0;
        for (const step of steps) {
          if (step === "cut") link = new Link(relay, session);
          else if (step !== "add") link[step]();
          else if (onFull === "drop" || session.wantsFrame) {
            session.add(outgoing(++added));
            link.pump();
          }
        }
        session.end();
        link.pump();
        if (isCutAtEnd) {
          while (link.up());
          link = new Link(relay, session);
        }
        link.settle();
        const numbers = relay.frames.map(([, number]) => number);
        assertEquals(relay.frames.map(([sequence]) => sequence), numbers);
        if (onFull === "wait") {
          assertEquals(numbers, Array.from({ length: added }, (_, index) => index + 1));
          assertEquals(relay.missing, 0);
        } else {
          assert(numbers.every((number, index) => index === 0 || number > numbers[index - 1]!));
          assertEquals(numbers.at(-1), added === 0 ? undefined : added);
        }
        assert(relay.hasEnded && session.isDone);
        assertEquals(session.waiting, 0);
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

Deno.test("PublisherSession refuses what a relay does not send to a publisher", () => {
  const refused: [Message, number][] = [
    [new Uint8Array(40), 1003],
    [encodeControl({ type: "config", epoch: 1, ...CONFIGS[0]! }), 1002],
    ['{"type":"end"}', 1002],
    ["{", 1007],
  ];
  for (const [message, closeCode] of refused) {
    const session = publisher();
    session.open();
    session.receive(welcome("publish"), 0);
    const error = assertThrows(() => session.receive(message, 0), ProtocolError);
    assertEquals(error.closeCode, closeCode);
  }
});
