/** A client's connection over each kind of WebSocket. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects } from "@std/assert";
import { StreamError } from "../../src/errors.ts";
import { systemClock } from "../../src/host/clock.ts";
import { writeAll } from "../../src/host/host.ts";
import { type Client as WsClient, openClientSocket } from "../../src/net/client_socket.ts";
import { connect, type Connection } from "../../src/net/connection.ts";
import { keepConnected } from "../../src/net/reconnect.ts";
import { openPlatformSocket, type OpenSocket } from "../../src/net/socket.ts";
import { Wakeup } from "../../src/net/wakeup.ts";
import { ViewerSession } from "../../src/wire/viewer_session.ts";
import { ScriptedSocket } from "../client/scripted_relay.ts";
import { Client, frameOf, startRelay } from "../server/fixture.ts";
import { concat } from "../split/samples.ts";
import { eventually, soon } from "../waiting.ts";

const OPENERS: Readonly<Record<string, OpenSocket>> = {
  "the platform's WebSocket": openPlatformSocket,
  "ws": openClientSocket,
};

for (const [name, openSocket] of Object.entries(OPENERS)) {
  Deno.test(`keepConnected brings a viewer its frames over ${name}`, async () => {
    await using relay = await startRelay();
    await using sender = await Client.open(relay.url("/cam?role=publish"));
    sender.send(frameOf(7));
    const wakeup = new Wakeup();
    const session = new ViewerSession({ fps: null, maxDelayMs: 500 });
    const frames: Uint8Array[] = [];
    const watching = keepConnected({
      url: relay.url("/cam"),
      openSocket,
      clock: systemClock,
      signal: new AbortController().signal,
      wakeup,
      onLost: (why) => assert(false, why),
      onRestored: () => {},
    }, async (connection) => {
      connection.send(session.open());
      while (frames.length === 0) {
        const message = connection.take();
        if (message === undefined) {
          await wakeup.wait(systemClock);
          continue;
        }
        const event = session.receive(message, systemClock.wallUs());
        if (event.type === "frame") frames.push(event.data);
      }
      connection.close(1000, "");
      while (connection.closed === undefined) await wakeup.wait(systemClock);
      return "done";
    });
    await soon("a frame, and the end of the connection", watching);
    assertEquals(frames, [frameOf(7)]);
  });

  Deno.test(`connect says that a server speaks another protocol over ${name}`, async () => {
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => {
        const { socket, response } = Deno.upgradeWebSocket(request);
        socket.onopen = () => socket.close();
        return response;
      },
    );
    const error = await assertRejects(
      () =>
        connect({
          url: `ws://127.0.0.1:${server.addr.port}/cam`,
          openSocket,
          signal: new AbortController().signal,
          wakeup: new Wakeup(),
        }),
      StreamError,
      "does not speak stream.v1",
    );
    assertEquals((error as StreamError).code, "unreachable");
  });
}

for (
  const [code, meaning] of [[1008, "refused"], [4003, "failed"]] as const
) {
  Deno.test(`keepConnected calls a connection that was closed with ${code} ${meaning}`, async () => {
    await using relay = await startRelay();
    const error = await assertRejects(() =>
      keepConnected({
        url: relay.url("/cam"),
        openSocket: openPlatformSocket,
        clock: systemClock,
        signal: new AbortController().signal,
        wakeup: new Wakeup(),
        onLost: (why) => assert(false, why),
        onRestored: () => {},
      }, (connection) => {
        connection.close(1000, "");
        return Promise.resolve({ code, reason: "no" });
      }), StreamError);
    assertEquals(error.code, meaning);
  });
}

Deno.test("Connection has a relay wait, or leaves it, when it sends more than anybody takes", async () => {
  for (const canPause of [true, false]) {
    const scripted = new ScriptedSocket("stream.v1");
    const calls: string[] = [];
    if (canPause) {
      const note = (what: string) => () => calls.push(what);
      Object.assign(scripted.client, { pause: note("pause"), resume: note("resume") });
    }
    const connection = await connect({
      url: "ws://127.0.0.1:1/cam",
      openSocket: () => scripted.client,
      signal: new AbortController().signal,
      wakeup: new Wakeup(),
    });
    const frame = new Uint8Array(4 * 1024 * 1024);
    const say = (count: number) => {
      for (let n = 0; n < count; n++) scripted.say(frame);
    };
    if (canPause) {
      say(3);
      assertEquals(calls, []);
      say(2);
      assertEquals([calls, connection.closed], [["pause"], undefined]);
      while (connection.take() !== undefined);
      assertEquals(calls, ["pause", "resume"]);
      // Its answer to the goodbye is behind what it has sent.
      say(4);
      connection.close(1000, "");
      assertEquals(calls, ["pause", "resume", "pause", "resume"]);
      say(4);
      assertEquals([connection.waiting, calls.length], [4, 4]);
    } else {
      say(31);
      assertEquals(connection.closed, undefined);
      say(1);
      assertEquals(connection.closed?.reason, "the relay sends more than it was asked for");
      assertEquals(scripted.client.readyState, 3);
    }
  }
});

/** A server that has answered one handshake, and now only does what its test has it do. */
class RawServer implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly peer = Promise.withResolvers<Deno.TcpConn>();
  readonly url = `ws://127.0.0.1:${this.#listener.addr.port}/cam`;

  constructor() {
    this.#answer().then(this.peer.resolve, this.peer.reject);
  }

  async #answer(): Promise<Deno.TcpConn> {
    const peer = await this.#listener.accept();
    const request = new Uint8Array(4096);
    const length = await peer.read(request) ?? 0;
    const text = new TextDecoder().decode(request.subarray(0, length));
    const key = /sec-websocket-key: (.*)\r/i.exec(text)![1]!;
    const hash = await crypto.subtle.digest(
      "SHA-1",
      new TextEncoder().encode(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`),
    );
    const head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
      "Connection: Upgrade\r\nSec-WebSocket-Protocol: stream.v1\r\n" +
      `Sec-WebSocket-Accept: ${new Uint8Array(hash).toBase64()}\r\n\r\n`;
    await writeAll(peer, new TextEncoder().encode(head));
    return peer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    (await this.peer.promise).close();
    this.#listener.close();
  }
}

/** A connection to `url`, and its WebSocket. */
async function connectRaw(url: string): Promise<{ connection: Connection; socket: WsClient }> {
  const opened: WsClient[] = [];
  const connection = await connect({
    url,
    openSocket: (url, protocols) => {
      opened.push(openClientSocket(url, protocols));
      return opened[0]!;
    },
    signal: new AbortController().signal,
    wakeup: new Wakeup(),
  });
  return { connection, socket: opened[0]! };
}

Deno.test("Connection over ws hears a part of a message", async () => {
  await using server = new RawServer();
  const { connection, socket } = await connectRaw(server.url);
  const before = connection.heard;
  // The beginning of a message of 1,000 bytes (RFC 6455 section 5.2).
  await (await server.peer.promise).write(new Uint8Array([0x82, 126, 3, 232, 1, 2, 3]));
  await eventually("a part to be heard", () => connection.heard >= before + 7);
  assertEquals(connection.waiting, 0);
  socket.terminate();
});

Deno.test("Connection over ws answers pings, and keeps few answers for a relay that takes none", async () => {
  await using server = new RawServer();
  const { connection, socket } = await connectRaw(server.url);
  const peer = await server.peer.promise;
  await peer.write(new Uint8Array([0x89, 2, 7, 8]));
  const pong = new Uint8Array(8);
  await peer.read(pong);
  // Masked with zeros.
  assertEquals(pong, new Uint8Array([0x8a, 0x82, 0, 0, 0, 0, 7, 8]));
  // More than the system keeps on the way.
  const ping = new Uint8Array(127);
  ping.set([0x89, 125]);
  const pings = concat(...Array.from({ length: 8000 }, () => ping));
  const before = connection.heard;
  for (let n = 0; n < 30; n++) await writeAll(peer, pings);
  await eventually("all to be heard", () => connection.heard >= before + 30 * pings.length);
  assert(socket.bufferedAmount < 100_000, `${socket.bufferedAmount} bytes wait`);
  socket.terminate();
});
