// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { systemClock } from "../../src/host/clock.ts";
import { silentLog } from "../../src/host/log.ts";
import { serve } from "../../src/server/serve.ts";
import { Client, DEFAULTS, frameOf, numberOf, startRelay, status, until } from "./fixture.ts";
import { soon } from "../waiting.ts";

Deno.test("A bare frame comes back to every client, the sender too", async () => {
  await using relay = await startRelay();
  await using one = await Client.open(relay.url("/"));
  await using two = await Client.open(relay.url("/live"));
  await until(relay, ({ viewers }) => viewers === 2);
  one.send(frameOf(7));
  two.send(frameOf(8));
  for (const client of [one, two]) {
    const numbers = [numberOf(await client.frame()), numberOf(await client.frame())];
    assertEquals(numbers.sort(), [7, 8]);
  }
});

Deno.test("A bare client that comes later gets the last frame at once", async () => {
  await using relay = await startRelay();
  await using sender = await Client.open(relay.url("/live"));
  sender.send(frameOf(1));
  await sender.frame();
  await using late = await Client.open(relay.url("/live"));
  assertEquals(numberOf(await late.frame()), 1);
});

Deno.test("Text from a bare client is ignored", async () => {
  await using relay = await startRelay();
  await using client = await Client.open(relay.url("/live"));
  client.send("hello?");
  client.send(frameOf(5));
  assertEquals(numberOf(await client.frame()), 5);
  assertEquals((await status(relay)).received.frames, 1);
});

Deno.test("A bare client with role=publish gets no frames, one with role=watch may send none", async () => {
  await using relay = await startRelay();
  await using publisher = await Client.open(relay.url("/live?role=publish"));
  await using viewer = await Client.open(relay.url("/live?role=watch"));
  await until(relay, ({ viewers }) => viewers === 1);
  publisher.send(frameOf(1));
  assertEquals(numberOf(await viewer.frame()), 1);
  assertEquals((await status(relay)).sent.frames, 1);
  viewer.send(frameOf(2));
  const { code, reason } = await viewer.closed;
  assertEquals(code, 1003);
  assertStringIncludes(reason, "role=watch");
});

for (
  const [path, code, seen] of [
    ["/live?role=king", 1002, "role"],
    ["/api", 4000, "reserved"],
    ["/a%20b", 4000, "letters"],
    ["/a/b", 4000, "letters"],
    [`/${"n".repeat(65)}`, 4000, "1 to 64"],
    ["/%3Cscript%3E", 4000, "letters"],
  ] as const
) {
  Deno.test(`A WebSocket at ${path.slice(0, 20)} is closed with ${code} and a reason`, async () => {
    await using relay = await startRelay();
    await using client = await Client.open(relay.url(path));
    const closed = await client.closed;
    assertEquals(closed.code, code);
    assertStringIncludes(closed.reason, seen);
  });
}

Deno.test("A frame over --max-frame closes its sender, and nobody else notices", async () => {
  await using relay = await startRelay({ maxFrameBytes: 1000 });
  await using viewer = await Client.open(relay.url("/live?role=watch"));
  await using sender = await Client.open(relay.url("/live"));
  sender.send(frameOf(1, 1000));
  assertEquals(numberOf(await viewer.frame()), 1);
  sender.send(frameOf(2, 1001));
  const { code, reason } = await sender.closed;
  assertEquals(code, 1009);
  assertStringIncludes(reason, "1001 bytes, at most 1000");
  await using next = await Client.open(relay.url("/live"));
  next.send(frameOf(3));
  assertEquals(numberOf(await viewer.frame()), 3);
});

Deno.test("A message over the platform's limit ends its connection, and nobody else notices", async () => {
  await using relay = await startRelay();
  await using viewer = await Client.open(relay.url("/live?role=watch"));
  await using sender = await Client.open(relay.url("/live?role=publish"));
  sender.send(new Uint8Array(65 * 1024 * 1024));
  await sender.closed;
  await using next = await Client.open(relay.url("/live"));
  next.send(frameOf(3));
  assertEquals(numberOf(await viewer.frame()), 3);
});

Deno.test("A burst of 1,000 bare frames keeps the newest five seconds, in order, and counts the rest", async () => {
  // One tick in ten seconds, so that the burst is over before the second tick.
  await using relay = await startRelay({ fps: 0.1, bufferMs: 1_500_000 });
  await using viewer = await Client.open(relay.url("/live?role=watch"));
  await using sender = await Client.open(relay.url("/live?role=publish"));
  await until(relay, ({ viewers }) => viewers === 1);
  for (let number = 0; number < 1000; number++) sender.send(frameOf(number, 1000));
  const full = await until(relay, ({ received }) => received.frames === 1000);
  const left = 1000 - full.queue.frames - full.dropped.queue_frames;
  assertEquals(full.queue, { frames: 150, bytes: 150_000 });
  assert(left >= 1, "the first tick is due at once");
  assertEquals(full.dropped.queue_frames, 850 - left);
  await fetch(`${relay.address}/api/streams/live`, { method: "PATCH", body: '{"fps": 1000}' })
    .then((response) => response.body?.cancel());
  for (let number = 0; number < left; number++) {
    assertEquals(numberOf(await viewer.frame()), number);
  }
  for (let number = 850; number < 1000; number++) {
    assertEquals(numberOf(await viewer.frame()), number);
  }
  const after = await status(relay);
  assertEquals(after.queue.frames, 0);
  assertEquals(after.sent.frames + after.dropped.queue_frames, 1000);
});

Deno.test("A viewer with the protocol learns the format of bare frames", async () => {
  await using relay = await startRelay();
  await using viewer = await Client.hello(relay.url("/live"), { role: "watch" });
  await viewer.control("welcome");
  await using sender = await Client.open(relay.url("/live"));
  sender.send(Uint8Array.of(0xff, 0xd8, 0xff, 0xd9));
  const config = await viewer.control("config");
  assertEquals([config.format, config.codec, config.epoch], ["mjpeg", "jpeg", 1]);
  assertEquals((await viewer.frame()).subarray(32), Uint8Array.of(0xff, 0xd8, 0xff, 0xd9));
});

Deno.test("A bare frame for a stream that has a publisher closes its sender with 4003", async () => {
  await using relay = await startRelay();
  await using publisher = await Client.hello(relay.url("/live"), { role: "publish", session: "a" });
  await publisher.control("welcome");
  await using sender = await Client.open(relay.url("/live"));
  sender.send(frameOf(1));
  assertEquals((await sender.closed).code, 4003);
  assertEquals((await status(relay)).received.frames, 0);
});

Deno.test("serve logs clients without a protocol that publish, when they begin and when they go", async () => {
  const lines: string[] = [];
  const gone = Promise.withResolvers<void>();
  const log = {
    ...silentLog,
    info(message: string): void {
      lines.push(message);
      if (message.endsWith("has left")) gone.resolve();
    },
  };
  const { signal } = new AbortController();
  await using relay = await serve(DEFAULTS, { clock: systemClock, log, signal });
  {
    const url = relay.address.replace("http:", "ws:");
    await using _silent = await Client.open(`${url}/cam`);
    await using sender = await Client.open(`${url}/cam`);
    for (const number of [1, 2]) {
      sender.send(frameOf(number));
      await sender.frame();
    }
  }
  await soon("the log to say that a client is lost", gone.promise);
  assertEquals(lines, [
    '"cam": a publisher without a protocol has started',
    '"cam": a publisher without a protocol has left',
  ]);
});

Deno.test("Publishers that come and go without end take few lines of the log", async () => {
  const lines: string[] = [];
  const told = Promise.withResolvers<void>();
  const log = {
    ...silentLog,
    info(message: string): void {
      lines.push(message);
      if (/^\d+ more publishers came or went within a second$/.test(message)) told.resolve();
    },
  };
  const { signal } = new AbortController();
  await using relay = await serve(DEFAULTS, { clock: systemClock, log, signal });
  const url = relay.address.replace("http:", "ws:");
  for (let n = 0; n < 30; n++) {
    await using sender = await Client.open(`${url}/cam-${n}`);
    sender.send(frameOf(n));
    await sender.frame();
  }
  await soon("the log to count", told.promise);
});
