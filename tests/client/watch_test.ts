// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { publish, type ReceivedFrame, StreamError, watch } from "../../src/client/mod.ts";
import { bareConfig } from "../../src/core/frame.ts";
import { encodeControl } from "../../src/wire/control_message.ts";
import { frameOf, numberOf, startRelay } from "../server/fixture.ts";
import { toViewer, welcome } from "../wire/messages.ts";
import { HurryingClock, ScriptedRelay, type ScriptedSocket, turn } from "./scripted_relay.ts";

const END = encodeControl({ type: "end" });

function config(session: string | null = "s", offset = 0): string {
  return encodeControl(
    {
      type: "config",
      ...bareConfig("mjpeg"),
      epoch: 1,
      session,
      offset,
    } as Parameters<typeof encodeControl>[0],
  );
}

/** A connection over which a client has been greeted. */
async function greeted(relay: ScriptedRelay, run = "one"): Promise<ScriptedSocket> {
  const socket = await relay.connection();
  assertEquals((await socket.control("hello")).role, "watch");
  socket.say(welcome("watch", 0, run), config());
  return socket;
}

Deno.test("watch hands out the frames of a stream in order, and ends when its publisher does", async () => {
  await using relay = await startRelay();
  await using cam = watch(relay.url("/cam"), { maxDelayMs: 60_000 });
  await using out = publish(relay.url("/cam"), { format: "mjpeg" });
  const sending = (async () => {
    for (let n = 0; n < 50; n++) await out.send(frameOf(n, 1000), { ptsUs: n * 40_000 });
    await out.end();
  })();
  const frames: ReceivedFrame[] = [];
  for await (const frame of cam) frames.push(frame);
  await sending;
  assertEquals(frames.map(({ data }) => numberOf(data)), Array.from({ length: 50 }, (_, n) => n));
  assertEquals(frames.map(({ ptsUs }) => ptsUs! / 40_000), frames.map((_, n) => n));
  assert(frames.every(({ data, kind }) => data.length === 1000 && kind === "key"));
  assertEquals(frames[0]!.config.format, "mjpeg");
  assert(frames.every((frame) => frame.config === frames[0]!.config));
  await cam.closed;
  assertEquals([cam.stats().frames, cam.stats().bytes, cam.stats().skipped], [50, 50_000, 0]);
  // It has ended for good.
  assertEquals(await cam.next(), { done: true, value: undefined });
});

Deno.test("watch tells the relay of a frame when the next one is asked for", async () => {
  const relay = new ScriptedRelay();
  await using cam = watch(relay.url, relay);
  const socket = await greeted(relay);
  socket.say(toViewer(1), toViewer(2));
  assertEquals((await cam.next()).value?.sequence, 1);
  await turn();
  assertEquals(socket.count("ack"), 0);
  assertEquals((await cam.next()).value?.sequence, 2);
  assertEquals((await socket.control("ack")).sequence, 1);
  await turn();
  assertEquals(socket.count("ack"), 0);
});

Deno.test("watch tells the relay of frames when they are confirmed, where that is asked for", async () => {
  const relay = new ScriptedRelay();
  await using cam = watch(relay.url, { ...relay, confirm: "manual" });
  const socket = await greeted(relay);
  socket.say(toViewer(1), toViewer(2), toViewer(3));
  const frames = [await cam.next(), await cam.next(), await cam.next()].map(({ value }) => value!);
  await turn();
  assertEquals(socket.count("ack"), 0);
  // One stands for those before it.
  cam.confirm(frames[1]!);
  assertEquals((await socket.control("ack")).sequence, 1);
  assertEquals((await socket.control("ack")).sequence, 2);
  cam.confirm(frames[0]!);
  assertEquals(socket.count("ack"), 0);
  // Whoever leaves has dealt with what was handed out.
  await cam.close();
  assertEquals((await socket.control("ack")).sequence, 3);
});

Deno.test("watch does not tell a new connection of the frames of an old one", async () => {
  const relay = new ScriptedRelay();
  const events: string[] = [];
  await using cam = watch(relay.url, {
    ...relay,
    confirm: "manual",
    onEvent: ({ type }) => events.push(type),
  });
  const first = await greeted(relay);
  first.say(toViewer(1), toViewer(2));
  const old = (await cam.next()).value!;
  first.hangUp(1006);
  // What has come is taken before anybody connects anew.
  assertEquals((await cam.next()).value?.sequence, 2);
  const second = await greeted(relay);
  // The relay sends the last frame again, and the next.
  second.say(toViewer(2, { catchUp: true }), toViewer(3));
  const next = (await cam.next()).value!;
  assertEquals(next.sequence, 3);
  assertEquals((await second.control("ack")).sequence, 2);
  cam.confirm(old);
  await turn();
  assertEquals(second.count("ack"), 0);
  cam.confirm(next);
  assertEquals((await second.control("ack")).sequence, 3);
  assertEquals(events, ["lost", "restored"]);
});

Deno.test("watch closes when its loop is left", async () => {
  const relay = new ScriptedRelay();
  const cam = watch(relay.url, relay);
  const socket = await greeted(relay);
  socket.say(toViewer(1), toViewer(2));
  for await (const frame of cam) {
    assertEquals(frame.sequence, 1);
    break;
  }
  assertEquals(socket.closedBy, 1000);
  assertEquals((await socket.control("ack")).sequence, 1);
  assertEquals(await cam.next(), { done: true, value: undefined });
  await cam.closed;
});

Deno.test("watch ends by its signal, also before it is connected", async () => {
  const relay = new ScriptedRelay();
  const stop = new AbortController();
  const cam = watch(relay.url, { ...relay, signal: stop.signal });
  const socket = await greeted(relay);
  const next = cam.next();
  stop.abort();
  assertEquals(await next, { done: true, value: undefined });
  await cam.closed;
  assertEquals(socket.closedBy, 1000);
  const late = watch(relay.url, { ...relay, signal: stop.signal });
  assertEquals(await late.next(), { done: true, value: undefined });
});

Deno.test("watch goes on behind the end of a publisher where it is to follow", async () => {
  const relay = new ScriptedRelay();
  const events: string[] = [];
  await using cam = watch(relay.url, {
    ...relay,
    follow: true,
    onEvent: ({ type }) => events.push(type),
  });
  const socket = await greeted(relay);
  socket.say(toViewer(1), END, toViewer(2));
  assertEquals((await cam.next()).value?.sequence, 1);
  assertEquals((await cam.next()).value?.sequence, 2);
  assertEquals(events, ["end"]);
});

Deno.test("watch confirms the last frame before it leaves a stream that has ended", async () => {
  const relay = new ScriptedRelay();
  await using cam = watch(relay.url, relay);
  const socket = await greeted(relay);
  // What the next publisher sends is none of it.
  socket.say(toViewer(1), END, toViewer(2));
  assertEquals((await cam.next()).value?.sequence, 1);
  await turn();
  assertEquals([socket.count("ack"), socket.closedBy], [0, undefined]);
  assertEquals(await cam.next(), { done: true, value: undefined });
  assertEquals((await socket.control("ack")).sequence, 1);
  assertEquals(socket.closedBy, 1000);
});

Deno.test("watch throws what ended it behind the frames that came before, and once", async () => {
  const relay = new ScriptedRelay();
  const cam = watch(relay.url, relay);
  const socket = await greeted(relay);
  socket.say(toViewer(1));
  socket.hangUp(4005, "the relay has as many viewers as it may");
  assertEquals((await cam.next()).value?.sequence, 1);
  const error = await assertRejects(() => cam.next(), StreamError, "as many viewers as it may");
  assertEquals(error.code, "unreachable");
  await assertRejects(() => cam.closed, StreamError);
  assertEquals(await cam.next(), { done: true, value: undefined });
  await cam.close();
});

Deno.test("watch says that it cannot understand the relay", async () => {
  const relay = new ScriptedRelay();
  const cam = watch(relay.url, relay);
  const socket = await greeted(relay);
  socket.say("{}");
  const error = await assertRejects(() => cam.next(), StreamError, "Cannot understand the relay");
  assertEquals(error.code, "failed");
});

Deno.test("watch takes in no more than it can hold, and the rest when frames are handed out", async () => {
  const relay = new ScriptedRelay();
  const cam = watch(relay.url, relay);
  const socket = await greeted(relay);
  let pauses = 0;
  Object.assign(socket.client, { pause: () => pauses++, resume: () => {} });
  // Of few bytes, then of many.
  for (let sequence = 1; sequence <= 2000; sequence++) socket.say(toViewer(sequence));
  assertEquals(pauses, 0);
  for (let sequence = 2001; sequence <= 2032; sequence++) {
    socket.say(toViewer(sequence, {}, new Uint8Array(1024 * 1024)));
    await turn();
  }
  assertEquals(pauses, 1);
  for (let sequence = 1; sequence <= 2032; sequence++) {
    assertEquals((await cam.next()).value?.sequence, sequence);
  }
  await cam.close();
});

Deno.test("watch leaves a relay that has greeted and falls silent, and connects again", async () => {
  const relay = new ScriptedRelay();
  const clock = new HurryingClock();
  const reasons: string[] = [];
  await using _cam = watch(relay.url, {
    ...relay,
    clock,
    onEvent: (event) => event.type === "lost" && reasons.push(event.reason),
  });
  await greeted(relay);
  await turn();
  clock.isHurrying = true;
  const again = await relay.connection();
  assertEquals((await again.control("hello")).role, "watch");
  assertEquals(reasons, ["the relay has been silent for 10 s"]);
});

Deno.test("watch leaves a relay that takes none of its confirmations, and connects again", async () => {
  const relay = new ScriptedRelay();
  const reasons: string[] = [];
  await using cam = watch(relay.url, {
    ...relay,
    onEvent: (event) => event.type === "lost" && reasons.push(event.reason),
  });
  const socket = await greeted(relay);
  const unsent = (bytes: number) => Object.assign(socket.client, { bufferedAmount: bytes });
  unsent(1024 * 1024);
  socket.say(toViewer(1));
  assertEquals((await cam.next()).value?.sequence, 1);
  assertEquals(reasons, []);
  unsent(1024 * 1024 + 1);
  socket.say(toViewer(2));
  await (await relay.connection()).control("hello");
  assertEquals(reasons, ["the relay takes nothing of what it is told"]);
});

Deno.test("watch says that frames jump further than there can be any", async () => {
  const relay = new ScriptedRelay();
  const cam = watch(relay.url, relay);
  const socket = await greeted(relay);
  socket.say(toViewer(5), toViewer(9_000_000_000_000_000));
  assertEquals((await cam.next()).value?.sequence, 5);
  await assertRejects(
    () => cam.next(),
    StreamError,
    "Cannot understand the relay: 8999999999999994 frames are missing before frame " +
      "9000000000000000, more than there can be",
  );
  assertEquals(cam.stats().skipped, 0);
});

Deno.test("watch says that nobody answers, and an address that is none", async () => {
  const port = freePort();
  const error = await assertRejects(() => watch(`127.0.0.1:${port}/cam`).next(), StreamError);
  assertEquals([error.code, /nothing listens there/.test(error.message)], ["unreachable", true]);
  const { code } = assertThrows(() => watch("cam"), StreamError) as StreamError;
  assertEquals(code, "usage");
});

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
