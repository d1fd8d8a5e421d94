/** A stream coded in time over real sockets: where a viewer begins, and what it is told. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { bareConfig } from "../../src/core/frame.ts";
import { encodeControl, type ViewerStatus } from "../../src/wire/control_message.ts";
import { decodeFrameMessage, type FrameHeader } from "../../src/wire/frame_message.ts";
import { Client, frameOf, numberOf, startRelay, status, until } from "./fixture.ts";
import { fromPublisher } from "../wire/messages.ts";

const CONFIG = bareConfig("h264", { codec: "avc1.42C01E", width: 64, height: 48 });

/** A publisher of the stream `live`, which sends frames that say their number. */
class Publisher implements AsyncDisposable {
  readonly client: Client;
  #sequence = 0;

  private constructor(client: Client) {
    this.client = client;
  }

  /** Goes on behind the last frame that the relay has of `session`. */
  static async open(relay: { url(path: string): string }, session = "one"): Promise<Publisher> {
    const client = await Client.hello(relay.url("/live"), { role: "publish", session });
    const publisher = new Publisher(client);
    publisher.#sequence = (await client.control("welcome")).received;
    await client.control("credit");
    client.send(encodeControl({ type: "config", epoch: 0, ...CONFIG }));
    return publisher;
  }

  /** Sends a frame for each letter: a key frame, a delta frame, a leading one. */
  send(kinds: string, captureUs = Date.now() * 1000): void {
    for (const kind of kinds) {
      const sequence = ++this.#sequence;
      const key = kind === "k";
      const leading = kind === "l";
      const times = { ptsUs: sequence * 40_000, captureUs };
      this.client.send(
        fromPublisher(sequence, frameOf(sequence), { key, configuration: key, leading, ...times }),
      );
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.client[Symbol.asyncDispose]();
  }
}

async function viewer(url: string, options: Record<string, unknown> = {}): Promise<Client> {
  const client = await Client.hello(url, { role: "watch", ...options });
  await client.control("welcome");
  return client;
}

/** The next frame, which is confirmed: its header, and the number that it says. */
async function take(client: Client): Promise<FrameHeader & { number: number }> {
  const { header, data } = decodeFrameMessage(await client.frame());
  client.send(encodeControl({ type: "ack", sequence: header.sequence }));
  return { ...header, number: numberOf(data) };
}

Deno.test("A viewer that joins in a GOP gets its configuration, the key frame and all since, then what comes", async () => {
  await using relay = await startRelay();
  await using publishing = await Publisher.open(relay);
  publishing.send("kddkddddddd");
  await until(relay, ({ received }) => received.frames === 11);
  await using watching = await viewer(relay.url("/live"));
  const config = await watching.control("config");
  assertEquals(
    [config.epoch, config.format, config.codec, config.width, config.height],
    [1, "h264", "avc1.42C01E", 64, 48],
  );
  for (let number = 4; number <= 11; number++) {
    const header = await take(watching);
    assertEquals([header.number, header.catchUp, header.epoch], [number, true, 1]);
    assertEquals([header.key, header.configuration], [number === 4, number === 4]);
    assertEquals(header.ptsUs, number * 40_000);
  }
  await until(relay, ({ latency }) => latency === null);
  publishing.send("dkl");
  for (const [number, key, leading] of [[12, false, false], [13, true, false], [14, false, true]]) {
    const header = await take(watching);
    assertEquals([header.number, header.key, header.leading], [number, key, leading]);
    assertEquals(header.catchUp, false);
  }
});

Deno.test("A viewer with join=live gets the next key frame first, with the protocol and without", async () => {
  await using relay = await startRelay();
  await using publishing = await Publisher.open(relay);
  publishing.send("kd");
  await until(relay, ({ received }) => received.frames === 2);
  await using bare = await Client.open(relay.url("/live?role=watch&join=live"));
  await using watching = await viewer(relay.url("/live?join=live"));
  await until(relay, ({ viewers }) => viewers === 2);
  publishing.send("ddkd");
  for (const number of [5, 6]) {
    assertEquals(numberOf(await bare.frame()), number);
    const header = await take(watching);
    assertEquals([header.number, header.catchUp], [number, false]);
  }
  assertEquals((await status(relay)).dropped.awaiting_key_frame, 4);
});

for (const query of ["role=watch", "role=watch&join=key"]) {
  Deno.test(`A bare viewer with ${query} gets the key frame and all since`, async () => {
    await using relay = await startRelay();
    await using publishing = await Publisher.open(relay);
    publishing.send("kdkdddddd");
    await until(relay, ({ received }) => received.frames === 9);
    await using bare = await Client.open(relay.url(`/live?${query}`));
    for (let number = 3; number <= 9; number++) assertEquals(numberOf(await bare.frame()), number);
  });
}

for (const protocols of [[], ["stream.v1"]]) {
  Deno.test(`A viewer with join=nonsense is closed with 1002, protocol ${protocols[0] ?? "none"}`, async () => {
    await using relay = await startRelay();
    for (const join of ["nonsense", "", "Key"]) {
      await using client = await Client.open(relay.url(`/live?join=${join}`), protocols);
      const { code, reason } = await client.closed;
      assertEquals(code, 1002);
      assertStringIncludes(reason, "join must be one of key, live");
    }
  });
}

Deno.test("A publisher that comes back in a GOP goes on in it, and its viewers miss nothing", async () => {
  await using relay = await startRelay();
  await using watching = await viewer(relay.url("/live"));
  for (const [first, kinds] of [[1, "kd"], [3, "dd"], [5, "dkd"]] as const) {
    await using publishing = await Publisher.open(relay);
    publishing.send(kinds);
    for (let number = first; number < first + kinds.length; number++) {
      const header = await take(watching);
      assertEquals([header.number, header.epoch, header.discontinuity], [number, 1, number === 1]);
    }
  }
});

Deno.test("A new publisher's first frame begins an epoch, and delta frames before it are not sent", async () => {
  await using relay = await startRelay();
  await using watching = await viewer(relay.url("/live"));
  {
    await using first = await Publisher.open(relay);
    first.send("kd");
    for (const discontinuity of [true, false]) {
      assertEquals((await take(watching)).discontinuity, discontinuity);
    }
  }
  await until(relay, ({ publishing }) => !publishing);
  await using second = await Publisher.open(relay, "two");
  second.send("ddkd");
  for (const [number, discontinuity] of [[3, true], [4, false]]) {
    const header = await take(watching);
    assertEquals([header.number, header.epoch, header.discontinuity], [number, 2, discontinuity]);
  }
  assertEquals((await status(relay)).dropped.awaiting_key_frame, 2);
});

Deno.test("serve tells the latency of viewers that confirm, of all together and of each", async () => {
  await using relay = await startRelay();
  const viewers = async () =>
    await (await fetch(`${relay.address}/api/streams/live/viewers`)).json();
  await using publishing = await Publisher.open(relay);
  assertEquals([await viewers(), (await status(relay)).latency], [[], null]);
  await using watching = await viewer(relay.url("/live"));
  await until(relay, ({ viewers }) => viewers === 1);
  await using _bare = await Client.open(relay.url("/live?role=watch"));
  await until(relay, ({ viewers }) => viewers === 2);
  publishing.send("kdd");
  for (let number = 1; number <= 3; number++) await take(watching);
  const { latency } = await until(relay, ({ latency }) => latency !== null);
  assert(latency !== null && latency.medianMs === latency.maxMs);
  assert(latency.relayMedianMs >= 0 && latency.relayMedianMs === latency.relayMaxMs);
  const all: ViewerStatus[] = await viewers();
  assertEquals(all.length, 2);
  const own = all.find(({ confirming }) => confirming)!;
  const bare = all.find(({ confirming }) => !confirming)!;
  assertEquals([own.confirming, own.sent, own.dropped.slow_viewer], [true, {
    frames: 3,
    bytes: 24,
  }, 0]);
  assert(own.latencyMs !== null && own.relayMs! >= 0 && own.roundTripMs! >= 0);
  // Of a bare viewer nobody knows when it got what.
  assertEquals([bare.confirming, bare.latencyMs, bare.roundTripMs], [false, null, null]);
  assertEquals(bare.sent.frames, 3);
  const { stream, viewer: numbers } = await watching.control("stats");
  assertEquals(Object.keys(stream.latency).sort(), [
    "maxMs",
    "medianMs",
    "relayMaxMs",
    "relayMedianMs",
  ]);
  assertEquals([numbers.confirming, numbers.sent.frames, numbers.underWay.frames], [true, 3, 0]);
});

Deno.test("serve tells no negative latency where a publisher's clock is ahead", async () => {
  await using relay = await startRelay();
  await using publishing = await Publisher.open(relay);
  await using watching = await viewer(relay.url("/live"));
  await until(relay, ({ viewers }) => viewers === 1);
  publishing.send("k", (Date.now() + 3_600_000) * 1000);
  await take(watching);
  const { latency } = await until(relay, ({ latency }) => latency !== null);
  assert(latency !== null && latency.medianMs >= latency.relayMedianMs, JSON.stringify(latency));
});

for (
  const [method, path, code] of [
    ["GET", "/api/streams/nobody/viewers", 404],
    ["POST", "/api/streams/nobody/viewers", 405],
    ["PATCH", "/api/streams/nobody/viewers", 405],
    ["GET", "/api/streams/nobody/viewers/1", 405],
    ["DELETE", "/api/streams/nobody/viewers/1", 404],
    ["GET", "/api/streams/nobody/viewers/1/2", 404],
  ] as const
) {
  Deno.test(`serve answers ${method} ${path} with ${code}`, async () => {
    await using relay = await startRelay();
    const response = await fetch(relay.address + path, { method });
    await response.body?.cancel();
    assertEquals(response.status, code);
  });
}
