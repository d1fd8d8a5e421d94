/** A client's connection over each kind of WebSocket. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects } from "@std/assert";
import { StreamError } from "../../src/errors.ts";
import { systemClock } from "../../src/host/clock.ts";
import { openClientSocket } from "../../src/net/client_socket.ts";
import { connect } from "../../src/net/connection.ts";
import { keepConnected } from "../../src/net/reconnect.ts";
import { openPlatformSocket, type OpenSocket } from "../../src/net/socket.ts";
import { Wakeup } from "../../src/net/wakeup.ts";
import { ViewerSession } from "../../src/wire/viewer_session.ts";
import { ScriptedSocket } from "../client/scripted_relay.ts";
import { Client, frameOf, startRelay } from "../server/fixture.ts";
import { soon } from "../waiting.ts";

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
    let pauses = 0;
    let resumes = 0;
    if (canPause) {
      Object.assign(scripted.client, { pause: () => pauses++, resume: () => resumes++ });
    }
    const connection = await connect({
      url: "ws://127.0.0.1:1/cam",
      openSocket: () => scripted.client,
      signal: new AbortController().signal,
      wakeup: new Wakeup(),
    });
    const frame = new Uint8Array(16 * 1024 * 1024);
    for (let n = 0; n < 17; n++) scripted.say(frame);
    if (canPause) {
      assertEquals([pauses, resumes, connection.closed], [1, 0, undefined]);
      while (connection.take() !== undefined);
      assertEquals([pauses, resumes], [1, 1]);
    } else {
      assertEquals(connection.closed?.reason, "the relay sends more than it was asked for");
      assertEquals(scripted.client.readyState, 3);
    }
  }
});
