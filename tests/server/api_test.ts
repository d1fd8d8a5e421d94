// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { bareConfig } from "../../src/core/frame.ts";
import { encodeControl } from "../../src/wire/control_message.ts";
import { Client, frameOf, startRelay, status, until } from "./fixture.ts";
import { delaysOf, samples } from "./metrics.ts";
import { fromPublisher } from "../wire/messages.ts";
import { eventually } from "../waiting.ts";

Deno.test("serve answers /health and /ready", async () => {
  await using relay = await startRelay();
  for (const path of ["/health", "/ready"]) {
    const response = await fetch(relay.address + path);
    assertEquals(response.status, 200);
    await response.body?.cancel();
  }
});

Deno.test("serve answers HEAD where it answers GET", async () => {
  await using relay = await startRelay();
  await using _viewer = await Client.open(relay.url("/door?role=watch"));
  await until(relay, ({ viewers }) => viewers === 1, "door");
  for (const path of ["", "/door", "/door/viewers"]) {
    const url = `${relay.address}/api/streams${path}`;
    const response = await fetch(url, { method: "HEAD" });
    assertEquals([response.status, await response.text()], [200, ""], path);
    assertMatch(response.headers.get("content-type")!, /^application\/json/);
  }
});

Deno.test("serve lists a stream as soon as a viewer is there, and no longer than anybody is", async () => {
  await using relay = await startRelay({ fps: 30 });
  const list = async () => await (await fetch(`${relay.address}/api/streams`)).json();
  assertEquals(await list(), []);
  {
    await using _viewer = await Client.open(relay.url("/door?role=watch"));
    const numbers = await until(relay, ({ viewers }) => viewers === 1, "door");
    assertEquals(numbers.name, "door");
    assertEquals(numbers.fps, 30);
    assertEquals(numbers.format, null);
    assertEquals(numbers.publishing, false);
    assertEquals(numbers.queue, { frames: 0, bytes: 0 });
    assertEquals((await list()).length, 1);
  }
  await eventually("the stream to go", async () => (await list()).length === 0);
});

Deno.test("serve counts frames and bytes received and sent", async () => {
  await using relay = await startRelay();
  await using sender = await Client.open(relay.url("/live"));
  await using viewer = await Client.open(relay.url("/live?role=watch"));
  await until(relay, ({ viewers }) => viewers === 2);
  sender.send(frameOf(1, 100));
  await viewer.frame();
  await sender.frame();
  const numbers = await status(relay);
  assertEquals(numbers.received, { frames: 1, bytes: 100 });
  assertEquals(numbers.sent, { frames: 2, bytes: 200 });
  assertEquals(numbers.publishing, true);
  assertEquals(numbers.format, "raw");
});

Deno.test("serve changes the frame rate by PATCH", async () => {
  await using relay = await startRelay({ fps: 30 });
  await using _viewer = await Client.open(relay.url("/live"));
  await until(relay, ({ viewers }) => viewers === 1);
  const patch = (body: string) =>
    fetch(`${relay.address}/api/streams/live`, { method: "PATCH", body });
  const changed = await patch('{"fps": 60}');
  assertEquals(changed.status, 200);
  assertEquals((await changed.json()).fps, 60);
  assertEquals((await (await patch('{"fps": "source"}')).json()).fps, "source");
  assertEquals((await (await patch('{"fps": 12.5}')).json()).fps, 12.5);
});

Deno.test("serve takes the rate of a stream before it is there, and keeps it when it is empty", async () => {
  await using relay = await startRelay({ fps: 30 });
  const url = `${relay.address}/api/streams/cam`;
  const list = async () => await (await fetch(`${relay.address}/api/streams`)).json();
  const changed = await fetch(url, { method: "PATCH", body: '{"fps": 12}' });
  const { fps, publishing, viewers } = await changed.json();
  assertEquals([changed.status, fps, publishing, viewers], [200, 12, false, 0]);
  assertEquals((await status(relay, "cam")).fps, 12);
  assertEquals(await list(), []);
  for (const rate of [12, 12, 60]) {
    if (rate === 60) await (await fetch(url, { method: "PATCH", body: '{"fps": 60}' })).text();
    {
      await using _viewer = await Client.open(relay.url("/cam?role=watch"));
      assertEquals((await until(relay, (numbers) => numbers.viewers === 1, "cam")).fps, rate);
    }
    await eventually("the stream to go", async () => (await list()).length === 0);
  }
});

for (
  const [body, seen] of [
    ["fps=60", "not JSON"],
    ["[60]", "no fps"],
    ["{}", "no fps"],
    ['{"fps": 0}', "fps is 0"],
    ['{"fps": 1001}', "fps is 1001"],
    ['{"fps": "fast"}', 'fps is "fast"'],
    ['{"fps": 60, "name": "x"}', '"name" cannot be changed'],
    [`{"fps": ${" ".repeat(5000)}60}`, "at most 4096 bytes"],
  ] as const
) {
  Deno.test(`serve refuses the PATCH ${body.slice(0, 30).trim()} and says why`, async () => {
    await using relay = await startRelay({ fps: 30 });
    await using _viewer = await Client.open(relay.url("/live"));
    await until(relay, ({ viewers }) => viewers === 1);
    const response = await fetch(`${relay.address}/api/streams/live`, { method: "PATCH", body });
    assertEquals(response.status, 400);
    assertStringIncludes((await response.json()).error, seen);
    assertEquals((await status(relay)).fps, 30);
  });
}

for (
  const [method, path, code] of [
    ["GET", "/api/streams/nobody", 404],
    ["PATCH", "/api/streams/nobody", 400],
    ["PATCH", "/api/streams/no+body", 404],
    ["DELETE", "/api/streams/nobody", 405],
    ["POST", "/api/streams", 405],
    ["POST", "/", 405],
    ["GET", "/live", 426],
    ["GET", "/a/b", 404],
    ["GET", "/%ff", 404],
    ["GET", "/assets", 404],
    ["GET", "/", 200],
  ] as const
) {
  Deno.test(`serve answers ${method} ${path} with ${code} and a sentence`, async () => {
    await using relay = await startRelay();
    const response = await fetch(relay.address + path, { method });
    assertEquals(response.status, code);
    assertMatch(await response.text(), /\w+ \w+/);
  });
}

Deno.test("serve tells its numbers as Prometheus text", async () => {
  await using relay = await startRelay();
  await using sender = await Client.open(relay.url("/live"));
  sender.send(frameOf(1, 100));
  await sender.frame();
  const response = await fetch(`${relay.address}/metrics`);
  assertStringIncludes(response.headers.get("content-type")!, "version=0.0.4");
  const text = await response.text();
  for (
    const line of [
      'stream_received_frames_total{stream="live"} 1',
      'stream_received_bytes_total{stream="live"} 100',
      'stream_sent_frames_total{stream="live"} 1',
      'stream_dropped_frames_total{stream="live",reason="slow_viewer"} 0',
      'stream_viewers{stream="live"} 1',
      'stream_publishing{stream="live"} 1',
    ]
  ) assertStringIncludes(text, `${line}\n`);
  const value = (name: string) => Number(RegExp(`^${name} (.*)$`, "m").exec(text)![1]);
  assert(value("process_cpu_seconds_total") > 0);
  const peakBytes = value("process_resident_memory_peak_bytes");
  assert(peakBytes >= value("process_resident_memory_bytes"), `${peakBytes} bytes at most`);
  for (const line of text.trimEnd().split("\n")) {
    assertMatch(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? -?[\d.e+-]+)$/);
  }
});

/** A publisher that speaks the protocol; each frame was captured so long before it is sent. */
async function publisher(url: string): Promise<
  AsyncDisposable & { send(ageMs: number): void }
> {
  const client = await Client.hello(url, { role: "publish", session: "one", onFull: "drop" });
  await client.control("credit");
  client.send(encodeControl({ type: "config", epoch: 0, ...bareConfig("mjpeg") }));
  let sequence = 0;
  return {
    send: (ageMs) =>
      client.send(fromPublisher(++sequence, frameOf(sequence), {
        captureUs: Math.round((Date.now() - ageMs) * 1000),
      })),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

Deno.test("serve tells how long frames took from the publisher, also where nobody watches", async () => {
  await using relay = await startRelay();
  await using publishing = await publisher(relay.url("/live"));
  const before = await until(relay, ({ publishing }) => publishing);
  assertEquals(before.arrival, null);
  assertEquals(delaysOf(await samples(relay.address), "source").count, 0);
  for (const ageMs of [400, 400, 60_000]) publishing.send(ageMs);
  const { arrival, latency } = await until(relay, ({ received }) => received.frames === 3);
  assertEquals(latency, null);
  // As long as the test itself takes, it may be more.
  assert(arrival!.medianMs >= 399 && arrival!.medianMs < 60_000, JSON.stringify(arrival));
  assert(arrival!.maxMs >= 59_999, JSON.stringify(arrival));
  const metrics = await samples(relay.address);
  assertEquals(
    metrics.get('stream_arrival_seconds{stream="live",quantile="1"}'),
    arrival!.maxMs / 1000,
  );
  const { count, sum, buckets } = delaysOf(metrics, "source");
  assert(count === 3 && sum >= 60.79, `${count} frames, ${sum} s`);
  const upTo = (seconds: number) => buckets.find(([le]) => le === seconds)![1];
  assertEquals([upTo(0.3), upTo(10)], [0, 2]);
});

Deno.test("serve takes no source for on time that does not tell when its frames were captured", async () => {
  await using relay = await startRelay();
  await using sender = await Client.open(relay.url("/live"));
  sender.send(frameOf(1));
  await sender.frame();
  const { arrival } = await until(relay, ({ received }) => received.frames === 1);
  assertEquals([arrival, delaysOf(await samples(relay.address), "source").count], [null, 0]);
});

Deno.test("serve counts delays in histograms, and keeps what it has counted of viewers that go", async () => {
  await using relay = await startRelay();
  await using publishing = await publisher(relay.url("/live"));
  await using bare = await Client.open(relay.url("/live?role=watch"));
  {
    await using watching = await Client.hello(relay.url("/live"), { role: "watch" });
    await until(relay, ({ viewers }) => viewers === 2);
    for (let sequence = 1; sequence <= 5; sequence++) {
      publishing.send(0);
      await bare.frame();
      await watching.frame();
      // Two frames, one acknowledgement: the newest is what counts.
      if (sequence !== 1) watching.send(encodeControl({ type: "ack", sequence }));
    }
    await eventually(
      "4 delays of viewers",
      async () => delaysOf(await samples(relay.address), "viewer").count >= 4,
    );
  }
  await until(relay, ({ viewers }) => viewers === 1);
  publishing.send(0);
  await bare.frame();
  // The bare viewer's last frame has left its socket by the time another is sent.
  publishing.send(0);
  await bare.frame();
  const metrics = await eventually("5 delays of the relay", async () => {
    const seen = await samples(relay.address);
    return delaysOf(seen, "relay").count > 4 && seen;
  });
  assertEquals(delaysOf(metrics, "viewer").count, 4);
  assertEquals(delaysOf(metrics, "source").count, 7);
});

Deno.test("protocol.md names every metric", async () => {
  await using relay = await startRelay();
  const page = await Deno.readTextFile(new URL("../../docs/protocol.md", import.meta.url));
  const text = await (await fetch(`${relay.address}/metrics`)).text();
  const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  assert(names.length > 15);
  for (const [, name] of names) assertStringIncludes(page, `\`${name}\``);
});

Deno.test("serve ends whoever publishes where somebody who may asks for it, and tells him why", async () => {
  await using relay = await startRelay();
  const end = async (path: string) => {
    const response = await fetch(`${relay.address}/api/streams/${path}`, { method: "DELETE" });
    return [response.status, await response.json()] as const;
  };
  assertEquals((await end("cam/publisher"))[0], 404);
  await using viewer = await Client.open(relay.url("/cam?role=watch"));
  assertEquals((await end("cam/publisher"))[0], 404);
  await using bare = await Client.open(relay.url("/cam?role=publish"));
  bare.send(frameOf(1));
  await viewer.frame();
  assertEquals(await end("cam/publisher?reason=wrong%20camera"), [200, { ended: 1 }]);
  assertEquals(await bare.closed, {
    code: 4009,
    reason: "somebody who may has ended it: wrong camera",
  });
  await using publisher = await Client.hello(relay.url("/door"), {
    role: "publish",
    session: "one",
  });
  await publisher.control("welcome");
  assertEquals(await end(`door/publisher?reason=${"x".repeat(1000)}`), [200, { ended: 1 }]);
  const { code, reason } = await publisher.closed;
  assertEquals([code, reason], [4009, `somebody who may has ended it: ${"x".repeat(80)}`]);
  // Viewers stay.
  await using next = await Client.open(relay.url("/cam?role=publish"));
  next.send(frameOf(2));
  await viewer.frame();
});
