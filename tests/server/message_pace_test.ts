/** What one peer may send, and leave unread. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MessageCrowd } from "../../src/relay/message_crowd.ts";
import { type Message, MessagePace } from "../../src/relay/message_pace.ts";
import { Memory } from "../../src/relay/memory.ts";
import { DEFAULT_OPTIONS } from "../../src/relay/options.ts";
import { SocketChannel } from "../../src/relay/socket_channel.ts";
import { clientFrame } from "../e2e/raw_peer.ts";
import { eventually } from "../waiting.ts";
import { Client, frameOf, startRelay, status, until } from "./fixture.ts";

/** A pace whose time a test moves, and what has become of its messages. */
class Scene {
  nowMs = 0;
  pauses = 0;
  resumes = 0;
  floods = 0;
  /** Messages that were served, at once or in their turn. */
  readonly served: Message[] = [];
  readonly pace: MessagePace;
  #due: { readonly run: () => void; readonly atMs: number } | undefined;

  constructor(canPause: boolean, maxMessages = 100, crowd = new MessageCrowd(maxMessages)) {
    this.pace = new MessagePace({
      socket: {
        pause: () => {
          if (canPause) this.pauses++;
          return canPause;
        },
        resume: () => void this.resumes++,
      },
      clock: { nowMs: () => this.nowMs, wallUs: () => 0 },
      maxMessages,
      crowd,
      take: (message) => this.served.push(message),
      onFlood: () => void this.floods++,
      later: (run, ms) => {
        this.#due = { run, atMs: this.nowMs + ms };
        return () => this.#due = undefined;
      },
    });
  }

  send(count: number, isFrame = false): void {
    for (let n = 0; n < count; n++) {
      const message = isFrame ? Uint8Array.of(n) : String(n);
      if (this.pace.admit(message)) this.served.push(message);
    }
  }

  /** Lets time pass, until the next turn where one is due. */
  pass(ms: number): void {
    const due = this.#due;
    this.nowMs += ms;
    if (due === undefined || due.atMs > this.nowMs) return;
    this.#due = undefined;
    due.run();
  }
}

Deno.test("MessagePace has a peer wait that uses its share of a turn up, and reads on in the next", () => {
  const scene = new Scene(true);
  scene.send(10);
  assertEquals([scene.served.length, scene.pauses], [10, 0]);
  scene.send(15);
  assertEquals([scene.served.length, scene.pauses], [10, 1]);
  scene.pass(99);
  assertEquals(scene.served.length, 10);
  scene.pass(1);
  assertEquals([scene.served.length, scene.resumes], [20, 0]);
  // What comes while others wait is behind them.
  scene.send(1);
  scene.pass(100);
  assertEquals([scene.served.length, scene.resumes, scene.floods], [26, 1, 0]);
  assertEquals(scene.served, [...Array(10).keys(), ...Array(15).keys(), 0].map(String));
});

Deno.test("MessagePace lets a peer be gone once all that it sent is served", () => {
  const scene = new Scene(true);
  let isGone = false;
  scene.send(25);
  scene.pace.finish(() => isGone = true);
  scene.pass(100);
  assertEquals([scene.served.length, isGone], [20, false]);
  scene.pass(100);
  assertEquals([scene.served.length, isGone], [25, true]);
  const idle = new Scene(true);
  idle.pace.finish(() => isGone = false);
  assertEquals(isGone, false);
});

Deno.test("MessagePace tells of who floods it with text for a second, and not of who sends frames", () => {
  for (const isFrame of [false, true]) {
    const scene = new Scene(true);
    const turns = (count: number) => {
      for (let n = 0; n < count; n++) {
        if (scene.pauses === scene.resumes) scene.send(30, isFrame);
        scene.pass(100);
      }
    };
    turns(9);
    assertEquals(scene.floods, 0);
    turns(2);
    assertEquals(scene.floods, isFrame ? 0 : 1);
    const { pauses, resumes } = scene;
    if (!isFrame) assert(pauses > resumes);
  }
});

Deno.test("MessagePace keeps no more waiting than may come in a second", () => {
  const scene = new Scene(true);
  scene.send(110, true);
  assertEquals(scene.floods, 0);
  scene.send(1, true);
  assertEquals(scene.floods, 1);
});

Deno.test("MessagePace tells of a flood of pings", () => {
  const scene = new Scene(true);
  for (let n = 0; n < 12; n++) {
    for (let ping = 0; ping < 30; ping++) scene.pace.countPing();
    scene.pass(100);
  }
  assertEquals(scene.floods, 1);
});

Deno.test("MessagePace forgives a backlog, and floods that are far apart", () => {
  const scene = new Scene(true);
  for (let n = 0; n < 5; n++) {
    scene.send(60);
    for (let turn = 0; turn < 8; turn++) scene.pass(100);
    scene.pass(1000);
  }
  assertEquals([scene.floods, scene.served.length], [0, 300]);
});

Deno.test("MessagePace tells at once of who cannot be made to wait and has sent a second's share", () => {
  for (const isFrame of [false, true]) {
    const scene = new Scene(false);
    scene.send(100, isFrame);
    assertEquals([scene.floods, scene.served.length], [0, 100]);
    scene.send(5, isFrame);
    assertEquals([scene.floods, scene.served.length], [1, 100]);
  }
});

Deno.test("MessagePace has peers wait that send more than others where all send too much", () => {
  const crowd = new MessageCrowd(1000);
  const many = Array.from({ length: 20 }, () => new Scene(true, 1000, crowd));
  const honest = new Scene(true, 1000, crowd);
  const served = () => many.reduce((sum, scene) => sum + scene.served.length, 0);
  for (let turn = 1; turn <= 20; turn++) {
    for (const scene of many) if (scene.pauses === scene.resumes) scene.send(100, true);
    honest.send(25, true);
    // As much as two and a half of them may send, and what is everybody's in any case.
    const most = 250 + 20 * 25;
    assert(served() <= turn * most, `${served()} messages in ${turn} turns`);
    assertEquals([honest.served.length, honest.pauses], [turn * 25, 0]);
    for (const scene of [...many, honest]) scene.pass(100);
  }
  // Each gets its part, and none is closed for what others send.
  for (const scene of many) assert(scene.served.length >= 19 * 25);
  assertEquals(many.filter(({ floods }) => floods > 0), []);
});

Deno.test("MessagePace lets a peer alone send what it may", () => {
  const scene = new Scene(true, 1000);
  for (let turn = 0; turn < 10; turn++) {
    scene.send(100, true);
    scene.pass(100);
  }
  assertEquals([scene.served.length, scene.pauses], [1000, 0]);
});

/** A socket of which nothing leaves by itself, and a channel to it that may have 10 kB unread. */
function unreadChannel() {
  const socket = {
    unsentBytes: 0,
    sent: 0,
    closed: "",
    send(message: string | Uint8Array) {
      this.unsentBytes += message.length;
      this.sent++;
    },
    pause: () => false,
    resume: () => {},
    breakOff: () => false,
    close(_code: number, reason: string) {
      this.closed = reason;
    },
  };
  const counts = { unread: 0 };
  const channel = new SocketChannel(socket, {
    memory: new Memory({ ...DEFAULT_OPTIONS, maxMemoryBytes: 32_000_000 }),
    maxUnreadBytes: 10_000,
    onUnread: () => counts.unread++,
  });
  return { socket, channel, counts };
}

Deno.test("SocketChannel counts what its messages cost until they have left", () => {
  const { socket, channel, counts } = unreadChannel();
  channel.sendFrame(new Uint8Array(500_000));
  for (let n = 0; n < 30; n++) channel.sendControl("x".repeat(44));
  assertEquals([socket.closed, socket.sent], ["", 31]);
  // The frame has left, and some of the answers.
  socket.unsentBytes -= 500_000 + 20 * 44;
  for (let n = 0; n < 20; n++) channel.sendControl("x".repeat(44));
  assertEquals([socket.closed, counts.unread], ["", 0]);
  for (let n = 0; n < 10; n++) channel.sendControl("x".repeat(44));
  // Whoever is closed is told once.
  assertEquals(counts.unread, 1);
  assertStringIncludes(socket.closed, "--max-unread");
});

Deno.test("SocketChannel takes no frame for an answer, however much of them is under way", () => {
  const { socket, channel, counts } = unreadChannel();
  // More than a viewer has under way, as where a stream ends and all that is left goes out at once.
  for (let n = 0; n < 30; n++) channel.sendFrame(new Uint8Array(1_000_000));
  channel.sendControl('{"type":"end"}');
  assertEquals([socket.closed, counts.unread, socket.sent], ["", 0, 31]);
});

for (const [kind, payload] of [["text", Uint8Array.of(65)], ["ping", new Uint8Array()]] as const) {
  Deno.test(`serve closes who floods it with ${kind} messages, and a viewer beside loses nothing`, async () => {
    await using relay = await startRelay({ maxMessages: 1000 });
    if (kind === "ping" && relay.listener === "deno") return;
    await using watching = await Client.open(relay.url("/live?role=watch"));
    await using sender = await Client.open(relay.url("/live?role=publish"));
    await until(relay, ({ viewers }) => viewers === 1);
    await using flood = await Client.open(relay.url("/flood?role=watch"));
    using raw = await rawFlood(relay.address, kind === "text" ? 1 : 9, payload);
    for (let n = 1; n <= 50; n++) {
      sender.send(frameOf(n));
      assertEquals(await watching.frame(), frameOf(n));
    }
    await eventually("the flood to be closed", async () => {
      const text = await (await fetch(`${relay.address}/metrics`)).text();
      return Number(/^stream_refused_total\{reason="messages"\} (\d+)$/m.exec(text)![1]) === 1;
    });
    assert(flood.isOpen);
    await raw.ended;
    const { dropped } = await status(relay);
    assertEquals(Object.values(dropped).reduce((sum, count) => sum + count), 0);
  });
}

/** Sends messages without end, and reads what comes. */
async function rawFlood(address: string, opcode: number, payload: Uint8Array) {
  const { hostname, port } = new URL(address);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const request = "GET /flood?role=watch HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n" +
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  await connection.write(new TextEncoder().encode(request));
  const one = clientFrame(0x80 | opcode, payload);
  const many = new Uint8Array(one.length * 1000);
  for (let n = 0; n < 1000; n++) many.set(one, n * one.length);
  let isOver = false;
  const reading = (async () => {
    const buffer = new Uint8Array(65_536);
    while (await connection.read(buffer).catch(() => null) !== null);
    isOver = true;
  })();
  const writing = (async () => {
    while (!isOver) {
      try {
        await connection.write(many);
      } catch {
        return;
      }
    }
  })();
  return {
    /** The relay has closed or broken the connection off. */
    ended: Promise.all([reading, writing]),
    [Symbol.dispose]: () => {
      try {
        connection.close();
      } catch {
        // It is closed.
      }
    },
  };
}
