// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { bareConfig } from "../../src/core/frame.ts";
import { encodeControl } from "../../src/wire/control_message.ts";
import { decodeFrameMessage, encodeFrameMessage } from "../../src/wire/frame_message.ts";
import { eventually } from "../waiting.ts";
import { Client, frameOf, numberOf, startRelay, status, until } from "./fixture.ts";
import { fromPublisher } from "../wire/messages.ts";

const CONFIG = encodeControl({ type: "config", epoch: 0, ...bareConfig("raw") });

/** The message of frame `number`, as a publisher sends it. */
function message(number: number, bytes = 8, catchUp = false): Uint8Array<ArrayBuffer> {
  return fromPublisher(number, frameOf(number, bytes), { catchUp });
}

async function publisher(
  url: string,
  options: Record<string, unknown> = {},
): Promise<Client> {
  const client = await Client.hello(url, { role: "publish", session: "one", ...options });
  await client.control("credit");
  client.send(CONFIG);
  return client;
}

async function viewer(url: string, options: Record<string, unknown> = {}): Promise<Client> {
  const client = await Client.hello(url, { role: "watch", ...options });
  await client.control("welcome");
  return client;
}

Deno.test("A published frame reaches viewers with the protocol and without, the same bytes", async () => {
  await using relay = await startRelay();
  await using watching = await viewer(relay.url("/live"));
  await using bare = await Client.open(relay.url("/live?role=watch"));
  await until(relay, ({ viewers }) => viewers === 2);
  await using publishing = await publisher(relay.url("/live"));
  publishing.send(message(1, 5000));
  const { header, data } = decodeFrameMessage(await watching.frame());
  assertEquals([header.sequence, header.epoch, header.discontinuity], [1, 1, true]);
  assertEquals(data, frameOf(1, 5000));
  assertEquals(await bare.frame(), frameOf(1, 5000));
});

Deno.test("A viewer that comes later gets the last frame marked as catch-up, others do not", async () => {
  await using relay = await startRelay();
  await using first = await viewer(relay.url("/live"));
  await using publishing = await publisher(relay.url("/live"));
  publishing.send(message(1));
  assertEquals(decodeFrameMessage(await first.frame()).header.catchUp, false);
  await using late = await viewer(relay.url("/live"));
  assertEquals(decodeFrameMessage(await late.frame()).header.catchUp, true);
  publishing.send(message(2));
  assertEquals(decodeFrameMessage(await late.frame()).header.catchUp, false);
});

Deno.test("A second publisher is refused with 4003 and the first goes on", async () => {
  await using relay = await startRelay();
  await using watching = await viewer(relay.url("/live"));
  await using first = await publisher(relay.url("/live"));
  await using second = await Client.hello(relay.url("/live"), { role: "publish", session: "two" });
  const { code, reason } = await second.closed;
  assertEquals(code, 4003);
  assertStringIncludes(reason, "already has a publisher");
  first.send(message(1));
  assertEquals(numberOf((await watching.frame()).subarray(32)), 1);
});

Deno.test("A publisher with takeover gets the stream, the first is told by 4004, viewers stay", async () => {
  await using relay = await startRelay();
  await using watching = await viewer(relay.url("/live"));
  await using first = await publisher(relay.url("/live"));
  first.send(message(1));
  assertEquals(decodeFrameMessage(await watching.frame()).header.epoch, 1);
  await using second = await publisher(relay.url("/live"), { session: "two", takeover: true });
  assertEquals((await first.closed).code, 4004);
  second.send(message(1));
  const { header } = decodeFrameMessage(await watching.frame());
  assertEquals([header.sequence, header.epoch, header.discontinuity], [2, 2, true]);
});

Deno.test("A publisher that comes back in its session hears what the relay has, and takes its place", async () => {
  await using relay = await startRelay();
  await using first = await publisher(relay.url("/live"));
  first.send(message(1));
  first.send(message(2));
  await until(relay, ({ received }) => received.frames === 2);
  await using again = await Client.hello(relay.url("/live"), { role: "publish", session: "one" });
  assertEquals((await again.control("welcome")).received, 2);
  assertEquals((await first.closed).code, 4004);
});

Deno.test("Viewers are told whose frames come and how they were numbered, but never the session itself", async () => {
  await using relay = await startRelay();
  await using watching = await viewer(relay.url("/live"));
  await using first = await publisher(relay.url("/live"), { session: "secret" });
  first.send(message(500));
  const config = await watching.control("config");
  const { sequence } = decodeFrameMessage(await watching.frame()).header;
  // printf secret | sha256sum
  assertEquals([config.session, sequence - config.offset], ["2bb80d537b1da3e3", 500]);
  await using second = await publisher(relay.url("/live"), { session: "two", takeover: true });
  second.send(message(1));
  const other = await watching.control("config");
  const { header } = decodeFrameMessage(await watching.frame());
  assertEquals([header.sequence - sequence, header.sequence - other.offset], [1, 1]);
  assert(other.session !== config.session);
  await using bare = await Client.open(relay.url("/other?role=publish"));
  await using of = await viewer(relay.url("/other"));
  bare.send(frameOf(1));
  const { session, offset } = await of.control("config");
  assertEquals([session, offset], [null, 0]);
});

Deno.test("Frames that a publisher brings anew come to viewers marked as catch-up", async () => {
  await using relay = await startRelay({ fps: 1 });
  await using watching = await viewer(relay.url("/live"));
  await using publishing = await publisher(relay.url("/live"));
  for (const number of [1, 2, 3]) publishing.send(message(number, 8, true));
  publishing.send(message(4));
  for (const number of [1, 2, 3, 4]) {
    const { header, data } = decodeFrameMessage(await watching.frame());
    assertEquals([numberOf(data), header.catchUp], [number, number < 4]);
    watching.send(JSON.stringify({ type: "ack", sequence: header.sequence }));
  }
});

Deno.test("Frames that a publisher dropped itself are counted", async () => {
  await using relay = await startRelay();
  await using publishing = await publisher(relay.url("/live"), { onFull: "drop" });
  publishing.send(message(1));
  publishing.send(message(5));
  const { dropped } = await until(relay, ({ received }) => received.frames === 2);
  assertEquals(dropped.publisher, 3);
});

Deno.test("The end of a stream comes to viewers after its last frame, and to the publisher", async () => {
  await using relay = await startRelay({ fps: 100 });
  await using watching = await viewer(relay.url("/live"));
  await using publishing = await publisher(relay.url("/live"));
  for (let number = 1; number <= 5; number++) publishing.send(message(number));
  publishing.send(encodeControl({ type: "end" }));
  const sequences: number[] = [];
  for (;;) {
    const received = await watching.next();
    if (typeof received === "string") {
      if (JSON.parse(received).type === "end") break;
    } else sequences.push(decodeFrameMessage(received).header.sequence);
  }
  assertEquals(sequences, [1, 2, 3, 4, 5]);
  await publishing.control("end");
  assertEquals((await publishing.closed).code, 1000);
  assertEquals((await status(relay)).publishing, false);
});

Deno.test("A viewer that asks for fewer frames gets fewer, and the rest are counted", async () => {
  await using relay = await startRelay({ fps: 100 });
  await using watching = await viewer(relay.url("/live"), { fps: 1 });
  await using all = await viewer(relay.url("/live"));
  await using publishing = await publisher(relay.url("/live"));
  for (let number = 1; number <= 10; number++) publishing.send(message(number));
  for (let number = 1; number <= 10; number++) {
    const { header } = decodeFrameMessage(await all.frame());
    all.send(encodeControl({ type: "ack", sequence: header.sequence }));
  }
  await watching.frame();
  const { dropped, sent } = await status(relay);
  assert(dropped.viewer_fps >= 1, "ten frames in less than ten seconds");
  assertEquals(sent.frames + dropped.viewer_fps, 20);
});

Deno.test("The relay tells its clock and, once a second, its numbers", async () => {
  await using relay = await startRelay();
  await using watching = await viewer(relay.url("/live"));
  watching.send(encodeControl({ type: "time", clientUs: 42, roundTripUs: null }));
  const answer = await watching.control("time");
  assertEquals(answer.clientUs, 42);
  assert(Math.abs(answer.serverUs / 1000 - Date.now()) < 60_000);
  const { stream, viewer: own } = await watching.control("stats");
  assertEquals([stream.name, stream.viewers, own.sent.frames], ["live", 1, 0]);
});

for (
  const [what, sent, code, seen] of [
    ["a frame before the hello", message(1), 1002, "before the hello"],
    ["no JSON", "hello", 1007, "not JSON"],
    ["a wrong version", '{"type":"hello","version":2,"role":"watch"}', 4001, "version 2"],
    ["an unknown role", '{"type":"hello","version":1,"role":"king"}', 1007, '"role"'],
    ["an unknown type", '{"type":"hi"}', 1002, '"hi"'],
    ["17,000 characters", " ".repeat(17_000), 1009, "16384"],
  ] as const
) {
  Deno.test(`A peer that begins with ${what} is closed with ${code} and a reason`, async () => {
    await using relay = await startRelay();
    await using peer = await Client.open(relay.url("/live"), ["stream.v1"]);
    peer.send(sent);
    const closed = await peer.closed;
    assertEquals(closed.code, code);
    assertStringIncludes(closed.reason, seen);
  });
}

for (
  const [what, sent, code, seen] of [
    ["a short header", new Uint8Array(31), 1002, "31 bytes"],
    ["a header alone", message(1).subarray(0, 32), 1002, "32 bytes"],
    ["a wrong version", message(1).fill(9, 0, 1), 4001, "version 9"],
    ["unknown flags", message(1).fill(0x80, 1, 2), 1002, "flags"],
    ["a frame over the limit", message(1, 100_001), 1009, "100001"],
    ["an acknowledgement", encodeControl({ type: "ack", sequence: 1 }), 1002, "from a publisher"],
  ] as const
) {
  Deno.test(`A publisher that sends ${what} is closed with ${code}, its viewers stay`, async () => {
    await using relay = await startRelay({ maxFrameBytes: 100_000 });
    await using watching = await viewer(relay.url("/live"));
    await using bad = await publisher(relay.url("/live"));
    bad.send(sent);
    const closed = await bad.closed;
    assertEquals(closed.code, code);
    assertStringIncludes(closed.reason, seen);
    await using good = await publisher(relay.url("/live"), { session: "good" });
    good.send(message(1));
    assertEquals(numberOf((await watching.frame()).subarray(32)), 1);
  });
}

Deno.test("A publisher that sends without credit is closed with 4006", async () => {
  await using relay = await startRelay({ fps: 0.1 });
  await using publishing = await publisher(relay.url("/live"));
  for (let number = 1; number <= 20; number++) publishing.send(message(number));
  const { code, reason } = await publishing.closed;
  assertEquals(code, 4006);
  assertStringIncludes(reason, "without credit");
});

Deno.test("A viewer that confirms what it did not get, or sends a frame, is closed with 1002", async () => {
  await using relay = await startRelay();
  await using inventing = await viewer(relay.url("/live"));
  inventing.send(encodeControl({ type: "ack", sequence: 9 }));
  assertEquals((await inventing.closed).code, 1002);
  await using sending = await viewer(relay.url("/live"));
  sending.send(message(1));
  assertEquals((await sending.closed).code, 1002);
});

Deno.test("A peer that never says hello is closed with 4002", async () => {
  await using relay = await startRelay({ helloTimeoutMs: 20 });
  await using silent = await Client.open(relay.url("/live"), ["stream.v1"]);
  assertEquals((await silent.closed).code, 4002);
});

Deno.test("One viewer and one stream more than allowed are refused with 4005", async () => {
  await using relay = await startRelay({ maxViewers: 2, maxStreams: 1 });
  await using _one = await viewer(relay.url("/live"));
  await using _two = await Client.open(relay.url("/live"));
  await until(relay, ({ viewers }) => viewers === 2);
  await using three = await Client.hello(relay.url("/live"), { role: "watch" });
  assertStringIncludes((await three.closed).reason, "--max-viewers");
  await using _publishing = await publisher(relay.url("/live"));
  await using other = await Client.hello(relay.url("/other"), { role: "publish", session: "x" });
  const { code, reason } = await other.closed;
  assertEquals(code, 4005);
  assertStringIncludes(reason, "--max-streams");
});

Deno.test("Viewers of streams that nobody publishes wait apart, and keep no publisher out", async () => {
  await using relay = await startRelay({ maxStreams: 1, maxAwaited: 3 });
  await using one = await viewer(relay.url("/one"));
  await using _two = await Client.hello(relay.url("/two"), { role: "watch" });
  await using _three = await Client.open(relay.url("/three?role=watch"));
  await eventually("three streams", async () => {
    const listed = await (await fetch(`${relay.address}/api/streams`)).json();
    return listed.length === 3;
  });
  await using four = await Client.hello(relay.url("/four"), { role: "watch" });
  const { code, reason } = await four.closed;
  assertEquals(code, 4005);
  assertStringIncludes(reason, "--max-awaited 3");
  await using publishing = await publisher(relay.url("/one"));
  publishing.send(message(1));
  assertEquals(decodeFrameMessage(await one.frame()).header.sequence, 1);
  // There is room for another one to be awaited, and for no other to be published.
  await using _five = await viewer(relay.url("/five"));
  await using other = await Client.hello(relay.url("/two"), { role: "publish", session: "x" });
  assertStringIncludes((await other.closed).reason, "--max-streams 1");
  const counted = await (await fetch(`${relay.address}/metrics`)).text();
  assertMatch(counted, /^stream_refused_total\{reason="full"\} 2$/m);
});

Deno.test("A relay that stops lets its queue out, then closes every peer with 1001", async () => {
  const relay = await startRelay({ fps: 100 });
  await using watching = await viewer(relay.url("/live"));
  await using bare = await Client.open(relay.url("/other"));
  await using sender = await Client.open(relay.url("/third?role=publish"));
  await using publishing = await publisher(relay.url("/live"));
  for (let number = 1; number <= 10; number++) publishing.send(message(number));
  await until(relay, ({ received }) => received.frames === 10);
  const stopped = relay[Symbol.asyncDispose]();
  for (let number = 1; number <= 10; number++) {
    assertEquals(decodeFrameMessage(await watching.frame()).header.sequence, number);
    watching.send(encodeControl({ type: "ack", sequence: number }));
  }
  for (const peer of [watching, bare, sender, publishing]) {
    // Deno's server would close them with the same code, but without a reason.
    assertEquals(await peer.closed, { code: 1001, reason: "the relay is stopping" });
  }
  await stopped;
});

for (
  const [format, units] of [
    ["h264", [[0x67, 0x42, 0], [0x68, 0xce], [0x65, 0x88, 0x84]]],
    ["hevc", [[0x40, 1, 0x0c], [0x26, 1, 0xaf]]],
  ] as const
) {
  const encoded = (prefix: (length: number) => number[]) =>
    Uint8Array.from(units.flatMap((unit) => [...prefix(unit.length), ...unit]));
  const frameMessage = (data: Uint8Array<ArrayBuffer>) =>
    encodeFrameMessage(decodeFrameMessage(message(1)).header, data);
  const config = encodeControl({ type: "config", epoch: 0, ...bareConfig(format) });

  Deno.test(`A frame of ${format} with lengths closes its publisher with a sentence (1003)`, async () => {
    await using relay = await startRelay();
    await using publishing = await publisher(relay.url("/live"));
    publishing.send(config);
    publishing.send(frameMessage(encoded((length) => [0, 0, 0, length])));
    const { code, reason } = await publishing.closed;
    assertEquals(code, 1003);
    assertStringIncludes(reason, `an ${format} frame has lengths (AVCC)`);
    assertStringIncludes(reason, `-bsf:v ${format}_mp4toannexb`);
  });

  Deno.test(`A frame of ${format} with start codes is passed on, and one with lengths from a bare client`, async () => {
    await using relay = await startRelay();
    {
      await using watching = await viewer(relay.url("/live"));
      await using publishing = await publisher(relay.url("/live"));
      publishing.send(config);
      const frame = encoded(() => [0, 0, 0, 1]);
      publishing.send(frameMessage(frame.slice()));
      assertEquals(decodeFrameMessage(await watching.frame()).data, frame);
    }
    await using bare = await Client.open(relay.url("/other"));
    const frame = encoded((length) => [0, 0, 0, length]);
    bare.send(frame);
    assertEquals(await bare.frame(), frame);
    assertEquals((await status(relay, "other")).format, "raw");
  });
}

Deno.test("A frame without a capture time was captured when it came", async () => {
  await using relay = await startRelay();
  await using watching = await viewer(relay.url("/live"));
  await using publishing = await publisher(relay.url("/live"));
  const { header, data } = decodeFrameMessage(message(1));
  const beforeUs = Date.now() * 1000;
  publishing.send(encodeFrameMessage({ ...header, captureUs: 0 }, data.slice()));
  const seen = decodeFrameMessage(await watching.frame()).header;
  assert(seen.captureUs >= beforeUs - 1000 && seen.captureUs <= Date.now() * 1000 + 1000);
  assertEquals((await status(relay)).arrival, null);
});
