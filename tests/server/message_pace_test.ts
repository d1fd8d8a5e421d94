/** What one peer may send, and leave unread. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ProtocolError } from "../../src/errors.ts";
import { MessagePace } from "../../src/relay/message_pace.ts";
import { Memory } from "../../src/relay/memory.ts";
import { DEFAULT_OPTIONS } from "../../src/relay/options.ts";
import { SocketChannel } from "../../src/relay/socket_channel.ts";
import { clientFrame } from "../e2e/raw_peer.ts";
import { eventually } from "../waiting.ts";
import { Client, frameOf, startRelay, status, until } from "./fixture.ts";

/** A pace whose clock a test moves, and how often it has paused and resumed. */
function pace(canPause: boolean, maxMessages = 100) {
  const scene = { nowMs: 0, pauses: 0, resumes: 0 };
  const socket = {
    pause: () => {
      if (canPause) scene.pauses++;
      return canPause;
    },
    resume: () => void scene.resumes++,
  };
  const clock = { nowMs: () => scene.nowMs, wallUs: () => 0 };
  return Object.assign(scene, { pace: new MessagePace({ socket, clock, maxMessages }) });
}

Deno.test("MessagePace has a peer wait that uses its share of a turn up, and reads on in the next", async () => {
  const scene = pace(true);
  for (let n = 0; n < 10; n++) scene.pace.count(false);
  assertEquals(scene.pauses, 0);
  scene.pace.count(false);
  scene.pace.count(false);
  assertEquals(scene.pauses, 1);
  await eventually("the next turn", () => Promise.resolve(scene.resumes === 1));
  scene.pace.stop();
});

Deno.test("MessagePace closes who floods it with text for a second, and not who sends frames", () => {
  for (const isFrame of [false, true]) {
    const scene = pace(true);
    const turn = () => {
      scene.nowMs += 100;
      for (let n = 0; n < 30; n++) scene.pace.count(isFrame);
    };
    for (let n = 0; n < 10; n++) turn();
    if (isFrame) { for (let n = 0; n < 100; n++) turn(); }
    else assertThrows(turn, ProtocolError, "more than 100 messages a second (--max-messages)");
    scene.pace.stop();
  }
});

Deno.test("MessagePace forgives a backlog, and floods that are far apart", () => {
  const scene = pace(true);
  for (let n = 0; n < 50; n++) {
    scene.nowMs += n % 9 === 0 ? 1000 : 100;
    for (let m = 0; m < 60; m++) scene.pace.count(false);
  }
  scene.pace.stop();
});

Deno.test("MessagePace closes at once who cannot be made to wait and has sent a second's share", () => {
  for (const isFrame of [false, true]) {
    const scene = pace(false);
    for (let n = 0; n < 100; n++) scene.pace.count(isFrame);
    assertThrows(() => scene.pace.count(isFrame), ProtocolError, "--max-messages");
  }
});

Deno.test("SocketChannel counts what its messages cost until they have left", () => {
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
  let unread = 0;
  const channel = new SocketChannel(socket, {
    memory: new Memory({ ...DEFAULT_OPTIONS, maxMemoryBytes: 32_000_000 }),
    maxUnreadBytes: 10_000,
    onUnread: () => unread++,
  });
  channel.sendFrame(new Uint8Array(500_000));
  for (let n = 0; n < 30; n++) channel.sendControl("x".repeat(44));
  assertEquals([socket.closed, socket.sent], ["", 31]);
  // The frame has left, and some of the answers.
  socket.unsentBytes -= 500_000 + 20 * 44;
  for (let n = 0; n < 20; n++) channel.sendControl("x".repeat(44));
  assertEquals([socket.closed, unread], ["", 0]);
  for (let n = 0; n < 10; n++) channel.sendControl("x".repeat(44));
  // Whoever is closed is told once.
  assertEquals(unread, 1);
  assertStringIncludes(socket.closed, "--max-unread");
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
