/** A relay whose viewers are at several threads. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { bareConfig } from "../../src/core/frame.ts";
import { type Clock, systemClock } from "../../src/host/clock.ts";
import { type Log, silentLog } from "../../src/host/log.ts";
import { type Relay, serve, type ServeOptions } from "../../src/server/serve.ts";
import {
  encodeControl,
  type StreamStatus,
  type ViewerStatus,
} from "../../src/wire/control_message.ts";
import { decodeFrameMessage } from "../../src/wire/frame_message.ts";
import { delaysOf, samples } from "./metrics.ts";
import { Client, DEFAULTS, frameOf, numberOf, until } from "./fixture.ts";
import { eventually, soon } from "../waiting.ts";
import { fromPublisher } from "../wire/messages.ts";

const MIB = 1024 * 1024;

interface Scene extends AsyncDisposable {
  readonly relay: Relay;
  /** What was logged as an error, and a promise of the first. */
  readonly errors: string[];
  readonly failed: Promise<string>;
  url(path: string): string;
}

/** A relay with two threads that can be told to die or to hang. */
async function scene(
  options: Partial<ServeOptions> = {},
  clock: Clock = systemClock,
): Promise<Scene> {
  const errors: string[] = [];
  const failed = Promise.withResolvers<string>();
  const log: Log = {
    ...silentLog,
    error: (message) => {
      errors.push(message);
      failed.resolve(message);
    },
  };
  const relay = await serve({ ...DEFAULTS, workers: 2, ...options }, {
    clock,
    log,
    signal: new AbortController().signal,
    openThread: () => new Worker(new URL("./dying_shard.ts", import.meta.url), { type: "module" }),
  });
  return {
    relay,
    errors,
    get failed() {
      return soon("a thread to fail", failed.promise);
    },
    url: (path) => `${relay.address.replace("http:", "ws:")}${path}`,
    [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose](),
  };
}

/** Viewers until both threads have some: the system spreads connections by chance. */
async function crowd(url: string, count = 16): Promise<Client[]> {
  return await Promise.all(
    Array.from({ length: count }, () => openAgain(`${url}?role=watch`)),
  );
}

/** Connects, again where that came to a thread that was just ending, or none listens yet. */
async function openAgain(url: string): Promise<Client> {
  for (let attempt = 1; attempt <= 500; attempt++) {
    const client = await Client.open(url);
    if (client.isOpen) return client;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("no thread takes a connection");
}

/** Asks for numbers as `until` does, again where that came to a thread that was just ending. */
async function untilAgain(
  relay: Relay,
  isWanted: (status: StreamStatus) => boolean,
): Promise<StreamStatus> {
  for (let attempt = 1; attempt <= 500; attempt++) {
    try {
      return await until(relay, isWanted);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  throw new Error("no thread answers");
}

async function disposeOf(clients: readonly Client[]): Promise<void> {
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
}

Deno.test("serve --workers brings every frame to viewers at all threads, in order, and counts them", async () => {
  await using running = await scene();
  const { relay, url } = running;
  const viewers = await crowd(url("/live"));
  await until(relay, ({ viewers }) => viewers === 16);
  await using sender = await Client.open(url("/live?role=publish"));
  const bytes = 100_000;
  for (let n = 1; n <= 20; n++) {
    sender.send(frameOf(n, bytes));
    // One by one: nobody is behind.
    for (const viewer of viewers) {
      const frame = await viewer.frame();
      assertEquals([numberOf(frame), frame.length], [n, bytes]);
    }
  }
  const { received, sent } = await until(relay, ({ sent }) => sent.frames === 320);
  assertEquals([received.frames, sent.bytes], [20, 320 * bytes]);
  await disposeOf(viewers);
  const after = await until(relay, ({ viewers }) => viewers === 0);
  assertEquals(after.sent.frames, 320);
});

Deno.test("serve --workers gives a viewer at a thread without the stream its last GOP at once", async () => {
  await using running = await scene();
  const { relay, url } = running;
  await using publisher = await Client.hello(url("/live"), {
    role: "publish",
    session: "one",
    onFull: "drop",
  });
  const { type } = await publisher.control("credit");
  assertEquals(type, "credit");
  publisher.send(encodeControl({ type: "config", epoch: 0, ...bareConfig("h264") }));
  for (const sequence of [1, 2, 3]) {
    const key = sequence === 1;
    publisher.send(fromPublisher(sequence, frameOf(sequence), { key, configuration: key }));
  }
  await until(relay, ({ received }) => received.frames === 3);
  const late = await Promise.all(
    Array.from({ length: 16 }, () => Client.hello(url("/live"), { role: "watch" })),
  );
  for (const viewer of late) {
    assertEquals((await viewer.control("welcome")).publishing, true);
    for (const sequence of [1, 2, 3]) {
      const { header, data } = decodeFrameMessage(await viewer.frame());
      assertEquals([header.sequence, header.catchUp, numberOf(data)], [sequence, true, sequence]);
    }
  }
  await disposeOf(late);
});

Deno.test("serve --workers replaces a thread that dies: its viewers may come again, the others' stay", async () => {
  // Room for those that stay and come again, if the others' places are free.
  await using running = await scene({ maxViewers: 26 });
  const { relay, url, failed } = running;
  const viewers = await crowd(url("/live"), 16);
  await using sender = await Client.open(url("/live?role=publish"));
  await until(relay, ({ viewers }) => viewers === 16);
  const deadly = await Client.open(url("/die?role=watch"));
  assert((await failed).includes("told to die"), await failed);
  await deadly.closed;
  const gone = new Set<Client>();
  for (const client of [...viewers, sender]) client.closed.then(() => gone.add(client));
  // What was at the other thread is still there, and no more.
  const staying = () => viewers.filter((viewer) => !gone.has(viewer));
  await until(relay, ({ viewers }) => viewers < 16 && viewers === staying().length);
  assertNotEquals(staying().length, 0);
  const again = await crowd(url("/live"), 8);
  await until(relay, ({ viewers }) => viewers === staying().length + 8);
  await using another = await openAgain(url("/live?role=publish"));
  another.send(frameOf(5, 1000));
  for (const viewer of [...staying(), ...again]) assertEquals(numberOf(await viewer.frame()), 5);
  await disposeOf([...viewers, ...again]);
  assertEquals(await (await fetch(`${relay.address}/ready`)).text(), "ready\n");
});

Deno.test("serve --workers counts delays to viewers at all threads together, also of a thread that dies", async () => {
  await using running = await scene();
  const { relay, url, failed } = running;
  const viewers = await Promise.all(
    Array.from({ length: 16 }, () => Client.hello(url("/live"), { role: "watch" })),
  );
  await until(relay, ({ viewers }) => viewers === 16);
  let sender = await Client.open(url("/live?role=publish"));
  const deliver = async (to: readonly Client[], sequence: number) => {
    sender.send(frameOf(sequence));
    for (const viewer of to) {
      await viewer.frame();
      viewer.send(encodeControl({ type: "ack", sequence }));
    }
  };
  const counted = async () => {
    const metrics = await samples(relay.address);
    return [delaysOf(metrics, "relay").count, delaysOf(metrics, "viewer").count];
  };
  for (const sequence of [1, 2, 3]) await deliver(viewers, sequence);
  await eventually("48 frames to be counted", async () => String(await counted()) === "48,48");
  const gone = new Set<Client>();
  for (const client of [...viewers, sender]) client.closed.then(() => gone.add(client));
  const deadly = await Client.open(url("/die?role=watch"));
  await failed;
  await deadly.closed;
  const staying = () => viewers.filter((viewer) => !gone.has(viewer));
  await until(relay, ({ viewers }) => viewers < 16 && viewers === staying().length);
  assertEquals(await counted(), [48, 48]);
  if (gone.has(sender)) sender = await openAgain(url("/live?role=publish"));
  await deliver(staying(), 4);
  const expected = 48 + staying().length;
  await eventually(
    `${expected} frames to be counted`,
    async () => String(await counted()) === `${expected},${expected}`,
  );
  await disposeOf([...viewers, sender]);
});

Deno.test("serve --workers goes on however many threads die one after the other", async () => {
  await using running = await scene();
  const { relay, url } = running;
  for (let n = 0; n < 4; n++) {
    const deadly = await openAgain(url("/die?role=watch"));
    await deadly.closed;
  }
  await using viewer = await openAgain(url("/live?role=watch"));
  await using sender = await openAgain(url("/live?role=publish"));
  await until(relay, ({ viewers }) => viewers === 1);
  sender.send(frameOf(9, 1000));
  assertEquals(numberOf(await viewer.frame()), 9);
});

Deno.test("serve --workers replaces a thread that is stuck", async () => {
  let aheadMs = 0;
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs };
  // Deno cannot end a thread that never comes to.
  const whileThere = await Deno.makeTempFile();
  Deno.env.set("HANG_UNTIL_GONE", whileThere);
  await using running = await scene({}, clock);
  const { relay, url, failed, errors } = running;
  const viewers = await crowd(url("/live"), 16);
  await until(relay, ({ viewers }) => viewers === 16);
  const stuck = await Client.open(url("/hang?role=watch"));
  aheadMs = 11_000;
  assert((await failed).includes("does not answer"), await failed);
  assertEquals(errors.length, 1);
  await Deno.remove(whileThere);
  await stuck.closed;
  const gone = new Set<Client>();
  for (const viewer of viewers) viewer.closed.then(() => gone.add(viewer));
  await untilAgain(relay, ({ viewers }) => viewers === 16 - gone.size);
  const again = await crowd(url("/live"), 8);
  await untilAgain(relay, ({ viewers }) => viewers === 24 - gone.size);
  await using sender = await openAgain(url("/live?role=publish"));
  sender.send(frameOf(7, 1000));
  for (const viewer of [...viewers, ...again]) {
    if (!gone.has(viewer)) assertEquals(numberOf(await viewer.frame()), 7);
  }
  await disposeOf([...viewers, ...again]);
});

Deno.test("serve --workers counts viewers and memory of all threads together", async () => {
  await using running = await scene({ maxViewers: 5 });
  const { relay, url } = running;
  const viewers = await crowd(url("/live"), 5);
  await until(relay, ({ viewers }) => viewers === 5);
  for (let n = 0; n < 8; n++) {
    await using refused = await Client.open(url("/live?role=watch"));
    const { code, reason } = await refused.closed;
    assertEquals([code, reason], [
      4005,
      "the relay has reached its limit of viewers (--max-viewers 5)",
    ]);
  }
  await disposeOf(viewers.slice(1));
  await until(relay, ({ viewers }) => viewers === 1);
  await using welcome = await Client.open(url("/live?role=watch"));
  await until(relay, ({ viewers }) => viewers === 2);
  await disposeOf([viewers[0]!, welcome]);
});

Deno.test("serve --workers refuses viewers of one stream too many wherever they come", async () => {
  await using running = await scene({ maxAwaited: 1 });
  const { url, relay } = running;
  await using _first = await Client.hello(url("/one"), { role: "watch" });
  await until(relay, ({ viewers }) => viewers === 1, "one");
  for (let n = 0; n < 8; n++) {
    await using refused = await Client.open(url(`/two?role=watch`));
    assertEquals((await refused.closed).code, 4005);
  }
});

Deno.test("serve --workers lists viewers in the order in which they came, wherever they are", async () => {
  await using running = await scene();
  const { relay, url } = running;
  await using sender = await Client.open(url("/live?role=publish"));
  const viewers: Client[] = [];
  // The sooner one has come, the more frames it has got.
  for (let count = 1; count <= 12; count++) {
    viewers.push(await Client.open(url("/live?role=watch&join=live")));
    await until(relay, (status) => status.viewers === count);
    sender.send(frameOf(count));
    for (const viewer of viewers) assertEquals(numberOf(await viewer.frame()), count);
  }
  const listed = await (await fetch(`${relay.address}/api/streams/live/viewers`)).json();
  assertEquals(
    listed.map(({ sent }: ViewerStatus) => sent.frames),
    Array.from(viewers, (_, before) => viewers.length - before),
  );
  await disposeOf(viewers);
});

Deno.test("serve --workers gives all memory back when everybody has gone", async () => {
  await using running = await scene({ maxMemoryBytes: 64 * MIB });
  const { relay, url } = running;
  const viewers = await crowd(url("/live"));
  const sender = await Client.open(url("/live?role=publish"));
  for (let n = 1; n <= 50; n++) sender.send(frameOf(n, 100_000));
  await until(relay, ({ received }) => received.frames === 50);
  await disposeOf([...viewers, sender]);
  const metrics = await eventually("the relay to have no stream", async () => {
    const text = await (await fetch(`${relay.address}/metrics`)).text();
    return /stream_streams 0\n/.test(text) && text;
  });
  assertEquals(/^stream_under_way_bytes (.*)/m.exec(metrics)?.[1], "0");
  assertEquals(/^stream_cached_bytes (.*)/m.exec(metrics)?.[1], "0");
});

Deno.test("serve --workers says in a sentence that the port is in use", async () => {
  await using other = await scene();
  const port = Number(new URL(other.relay.address).port);
  const error = await scene({ port }).then(() => undefined, (thrown) => thrown as Error);
  assert(error?.message.includes("the port is in use"), error?.message);
});
