// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { publish, StreamError, watch } from "../../src/client/mod.ts";
import { encodeControl } from "../../src/wire/control_message.ts";
import { decodeFrameMessage } from "../../src/wire/frame_message.ts";
import { frameOf, numberOf, startRelay } from "../server/fixture.ts";
import { credit, type Message, welcome } from "../wire/messages.ts";
import { HurryingClock, ScriptedRelay, type ScriptedSocket, turn } from "./scripted_relay.ts";

/** The answer to a question for the clock, in which both clocks agree. */
async function clockAnswer(socket: ScriptedSocket): Promise<string> {
  const { clientUs } = await socket.control("time");
  return encodeControl({ type: "time", clientUs, serverUs: clientUs });
}

/** A connection over which a publisher has been greeted, its clock is known, and frames may come. */
async function greeted(
  relay: ScriptedRelay,
  { received = 0, frames = 100 }: { received?: number; frames?: number } = {},
): Promise<ScriptedSocket> {
  const socket = await relay.connection();
  assertEquals((await socket.control("hello")).role, "publish");
  socket.say(welcome("publish", received));
  socket.say(await clockAnswer(socket), credit(frames, received));
  return socket;
}

/** The number in a frame as it was sent. */
function sentNumber(message: Message): number {
  return numberOf(decodeFrameMessage(message as Uint8Array<ArrayBuffer>).data);
}

Deno.test("Publisher sends frames, and its end waits until all have left", async () => {
  await using relay = await startRelay();
  await using cam = watch(relay.url("/cam"));
  const out = publish(relay.url("/cam"), { format: "raw", config: { width: 2, height: 4 } });
  await out.send(frameOf(1));
  const { value } = await cam.next();
  assertEquals([numberOf(value!.data), value!.config.width, value!.kind], [1, 2, "key"]);
  await out.end();
  const { frames, bytes, notDelivered } = out.stats();
  assertEquals([frames, bytes, notDelivered], [1, 8, 0]);
  await out.closed;
});

Deno.test("Publisher sends a copy, so that the caller's buffer is as it was and may change", async () => {
  const relay = new ScriptedRelay();
  await using out = publish(relay.url, { ...relay, format: "raw" });
  const buffer = new Uint8Array(100).fill(9);
  const data = buffer.subarray(64, 72);
  data.set(frameOf(5));
  const sending = out.send(data);
  data.set(frameOf(6));
  const socket = await greeted(relay);
  await sending;
  assertEquals(sentNumber(await socket.frame()), 5);
  assert(buffer.subarray(0, 64).every((byte) => byte === 9));
});

Deno.test("Publisher takes a buffer over that is handed to it", async () => {
  const relay = new ScriptedRelay();
  await using out = publish(relay.url, { ...relay, format: "raw" });
  const data = new Uint8Array(40).subarray(32);
  data.set(frameOf(5));
  const socket = await greeted(relay);
  await out.send(data, { transfer: true });
  const sent = await socket.frame();
  assertEquals(sent.buffer, data.buffer);
  assertEquals(sentNumber(sent), 5);
});

Deno.test("Publisher waits for credit, and is ready when there is some", async () => {
  const relay = new ScriptedRelay();
  await using out = publish(relay.url, { ...relay, format: "raw" });
  const socket = await greeted(relay, { frames: 1 });
  assertEquals(await out.ready(), true);
  await out.send(frameOf(1));
  await socket.frame();
  let isReady = false;
  const ready = out.ready().then((value) => isReady = value);
  await turn();
  assertEquals(isReady, false);
  socket.say(credit(2, 1));
  await ready;
  assertEquals(isReady, true);
  // What had to wait is marked, by which the relay knows that the source is not live.
  await out.send(frameOf(2));
  assertEquals(decodeFrameMessage(await socket.frame()).header.held, true);
});

Deno.test("Publisher sends in the order of the calls, and lets no more than 64 wait", async () => {
  const relay = new ScriptedRelay();
  await using out = publish(relay.url, { ...relay, format: "raw" });
  const sending = Array.from({ length: 64 }, (_, n) => out.send(frameOf(n)));
  const error = await assertRejects(() => out.send(frameOf(64)), StreamError, "64 calls");
  assertEquals(error.code, "usage");
  const socket = await greeted(relay);
  await Promise.all(sending);
  for (let n = 0; n < 64; n++) assertEquals(sentNumber(await socket.frame()), n);
  await out.send(frameOf(64));
  assertEquals(sentNumber(await socket.frame()), 64);
});

Deno.test("Publisher sends again what the relay has not confirmed when it is connected anew", async () => {
  const relay = new ScriptedRelay();
  const events: unknown[] = [];
  await using out = publish(relay.url, {
    ...relay,
    format: "raw",
    onEvent: (event) => events.push(event),
  });
  const first = await greeted(relay);
  for (let n = 1; n <= 3; n++) await out.send(frameOf(n));
  for (let n = 1; n <= 3; n++) await first.frame();
  first.say(credit(100, 1));
  first.hangUp(1006);
  const second = await greeted(relay, { received: 1 });
  assertEquals(sentNumber(await second.frame()), 2);
  assertEquals(sentNumber(await second.frame()), 3);
  const [lost, restored] = events as { [field: string]: unknown }[];
  assertEquals([lost?.type, lost?.goneMs, lost?.notDelivered], ["lost", 0, 2]);
  assertEquals(restored, { type: "restored" });
});

Deno.test("Publisher refuses frames that nobody could make use of", async () => {
  const relay = new ScriptedRelay();
  await using out = publish(relay.url, relay);
  await greeted(relay);
  const cases: [() => Promise<void>, RegExp][] = [
    [() => out.send(new Uint8Array(1)), /format is not known/],
    [() => out.send(new Uint8Array(0)), /it is empty/],
    [() => out.send(new Uint8Array(1), { ptsUs: 0.5 }), /ptsUs is 0.5/],
  ];
  for (const [send, message] of cases) {
    const error = await assertRejects(send, StreamError);
    assertMatch(error.message, message);
    assertEquals(error.code, "usage");
  }
  await using coded = publish(relay.url, { ...relay, format: "h264" });
  await greeted(relay);
  await assertRejects(() => coded.send(new Uint8Array(1)), StreamError, 'needs a kind: "key" or');
});

Deno.test("Publisher goes on behind a frame that is larger than the relay takes", async () => {
  await using relay = await startRelay({ maxFrameBytes: 1000 });
  await using cam = watch(relay.url("/cam"));
  await using out = publish(relay.url("/cam"), { format: "raw" });
  await out.send(frameOf(1, 1000));
  const error = await assertRejects(() => out.send(frameOf(2, 1001)), StreamError, "1001 bytes");
  assertEquals(error.code, "bad_input");
  await out.send(frameOf(3));
  assertEquals(numberOf((await cam.next()).value!.data), 1);
  assertEquals(numberOf((await cam.next()).value!.data), 3);
});

Deno.test("Publisher tells everybody who waits why it is over", async () => {
  const relay = new ScriptedRelay();
  const out = publish(relay.url, { ...relay, format: "raw" });
  const sending = out.send(frameOf(1));
  const ready = out.ready();
  const socket = await relay.connection();
  await socket.control("hello");
  socket.hangUp(4003, "the stream has a publisher");
  const error = await assertRejects(() => sending, StreamError, "the stream has a publisher");
  assertEquals(error.code, "failed");
  assertEquals(await ready, false);
  for (const call of [out.closed, out.send(frameOf(2)), out.end()]) {
    assertEquals(await call.catch((thrown) => thrown), error);
  }
  await out.close();
});

Deno.test("Publisher takes no frames behind its end", async () => {
  const relay = new ScriptedRelay();
  await using out = publish(relay.url, { ...relay, format: "raw" });
  const socket = await greeted(relay);
  const waiting = out.send(frameOf(1));
  const ending = out.end();
  await waiting;
  await assertRejects(() => out.send(frameOf(2)), StreamError, "the stream has ended");
  assertEquals(await out.ready(), false);
  assertEquals(sentNumber(await socket.frame()), 1);
  await socket.control("end");
  await ending;
});

Deno.test("Publisher leaves by its signal, with what was sent", async () => {
  const relay = new ScriptedRelay();
  const stop = new AbortController();
  const out = publish(relay.url, { ...relay, format: "raw", signal: stop.signal });
  const socket = await greeted(relay);
  await out.send(frameOf(1));
  stop.abort();
  assertEquals(await out.ready(), false);
  assertEquals(sentNumber(await socket.frame()), 1);
  await socket.control("end");
  await out.closed;
  assertEquals(socket.closedBy, 1000);
});

Deno.test("Publisher leaves at once by its signal where nobody is there", async () => {
  const relay = new ScriptedRelay();
  const out = publish(relay.url, { ...relay, signal: AbortSignal.abort() });
  await out.closed;
});

Deno.test("Publisher gives a relay up that stays away at the end", async () => {
  const relay = new ScriptedRelay();
  const out = publish(relay.url, { ...relay, format: "raw", giveUpMs: 0 });
  const socket = await greeted(relay);
  await out.send(frameOf(1));
  socket.hangUp(1006);
  const error = await assertRejects(() => out.end(), StreamError, "1 frame was not delivered");
  assertEquals([error.code, error.detail], ["unreachable", "not_delivered"]);
});

Deno.test("Publisher counts what is skipped", async () => {
  const relay = new ScriptedRelay();
  await using out = publish(relay.url, { ...relay, format: "raw" });
  const socket = await greeted(relay);
  out.skip();
  await out.send(frameOf(1));
  assertEquals(decodeFrameMessage(await socket.frame()).header.sequence, 2);
  assertEquals(out.stats().dropped, 1);
});

Deno.test("Publisher leaves a relay that has greeted and falls silent, and connects again with what is not confirmed", async () => {
  const relay = new ScriptedRelay();
  const clock = new HurryingClock();
  const reasons: string[] = [];
  await using out = publish(relay.url, {
    ...relay,
    clock,
    format: "mjpeg",
    onEvent: (event) => event.type === "lost" && reasons.push(event.reason),
  });
  const sending = out.send(frameOf(3));
  const socket = await greeted(relay);
  await sending;
  assertEquals(sentNumber(await socket.frame()), 3);
  clock.isHurrying = true;
  const again = await relay.connection();
  clock.isHurrying = false;
  assertEquals(reasons, ["the relay has been silent for 10 s"]);
  assertEquals((await again.control("hello")).role, "publish");
  again.say(welcome("publish"));
  again.say(await clockAnswer(again), credit(100, 0));
  assertEquals(sentNumber(await again.frame()), 3);
});

Deno.test("publish refuses an address that is none", () => {
  const error = assertThrows(() => publish("cam.mjpeg"), StreamError) as StreamError;
  assertEquals(error.code, "usage");
});
