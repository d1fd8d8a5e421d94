// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { StreamError } from "../../src/errors.ts";
import { Converter, type ConvertFor } from "../../src/http/converter.ts";
import { ByHand, request } from "./converters.ts";

/** A converter that never rests for long, as its clock is always far ahead. */
function hasty(): Converter & Disposable {
  let nowMs = 0;
  const converter = new Converter({ nowMs: () => nowMs += 1e6, wallUs: () => 0 });
  return Object.assign(converter, { [Symbol.dispose]: () => converter.stop() });
}

/** For whom a picture of so many pixels is converted: for a stream of its own. */
function some(pixels = 1): ConvertFor {
  return { stream: {}, pixels };
}

Deno.test("Converter gives each stream its turn, and asks what to convert when it has come", async () => {
  using converter = hasty();
  const turns: number[] = [];
  const results = await Promise.all([1, 2, 3].map((number) =>
    converter.convert(() => {
      turns.push(number);
      return number === 2 ? undefined : request(number);
    }, some())
  ));
  assertEquals(turns, [1, 2, 3]);
  assertEquals(results.map((result) => result !== undefined), [true, false, true]);
});

Deno.test("Converter says why something cannot be converted, and goes on", async () => {
  using converter = hasty();
  const broken = { ...request(), data: new Uint8Array(2) };
  const error = await assertRejects(() => converter.convert(() => broken, some()), StreamError);
  assertEquals(
    (error as StreamError).message,
    "Cannot convert a picture of 1x1 pixels in gray: expected 1 bytes, found 2",
  );
  assert(await converter.convert(() => request(), some()) !== undefined);
});

Deno.test("Converter lets a stream rest behind its picture, and nobody else", async () => {
  using hand = new ByHand();
  const [large, small] = [some(9_000_000), some()];
  const first = hand.ask(1, large);
  hand.threads[0]!.answer(1000);
  await first;
  hand.ask(2, large);
  assertEquals(hand.given, [1], "the stream rests");
  const other = hand.ask(3, small);
  assertEquals(hand.given, [1, 3], "another does not");
  hand.nowMs = 5999;
  hand.threads[0]!.answer(1);
  await other;
  assertEquals(hand.given, [1, 3]);
  hand.nowMs = 6000;
  hand.ask(4, some());
  assertEquals(hand.given, [1, 3, 4]);
  hand.threads[0]!.answer(1);
  assertEquals(hand.given, [1, 3, 4, 2], "until it has rested six times as long as it took");
});

Deno.test("Converter takes the smallest picture first, so that nobody waits for more than the one under way", () => {
  using hand = new ByHand();
  for (let number = 1; number <= 100; number++) hand.ask(number, some(9_000_000));
  hand.ask(101, some(1000));
  assertEquals(hand.given, [1]);
  hand.threads[0]!.answer(1500);
  assertEquals(hand.given, [1, 101]);
  hand.threads[0]!.answer(1);
  assertEquals(hand.given, [1, 101, 2]);
});

Deno.test("Converter leaves its thread idle half of the time, however many streams there are", () => {
  const streams = Array.from({ length: 20 }, () => some(1000));
  using hand = new ByHand();
  const ask = (index: number) => hand.ask(index, streams[index]!);
  streams.forEach((_, index) => ask(index));
  let busyMs = 0;
  let answered = 0;
  // Real time does not pass here: whoever asks has the converter look what is ready.
  while (hand.nowMs < 20_000) {
    if (answered < hand.given.length) {
      hand.nowMs += 10;
      busyMs += 10;
      const index = hand.given[answered++]!;
      hand.threads[0]!.answer(10);
      ask(index);
    } else {
      hand.nowMs += 10;
      hand.converter.convert(() => undefined, some());
    }
  }
  const turns = streams.map((_, index) => hand.given.filter((given) => given === index).length);
  assert(busyMs > 8000 && busyMs < 11_000, `${busyMs}`);
  assert(Math.max(...turns) - Math.min(...turns) <= 2, `${turns}`);
});

Deno.test("Converter ends a picture that takes too long, and its thread, and goes on with another", async () => {
  using hand = new ByHand({ maxPictureMs: 20 });
  const slow = some();
  const error = await assertRejects(() => hand.ask(1, slow), StreamError);
  assertEquals(
    (error as StreamError).message,
    "Cannot convert a picture: it takes more than 0.02 s; publish smaller ones, or mjpeg",
  );
  assert(hand.threads[0]!.isEnded);
  hand.ask(2, slow);
  const other = hand.ask(3, some());
  assertEquals(hand.given, [1, 3], "the stream rests");
  hand.threads[1]!.answer(1);
  assert(await other !== undefined);
  assertEquals(hand.threads.map(({ isEnded }) => isEnded), [true, false]);
});

Deno.test("Converter can end a thread that is stuck", async () => {
  const script = "data:text/javascript,onmessage = () => { for (;;); }";
  const converter = new Converter(
    { nowMs: () => 0, wallUs: () => 0 },
    { openThread: () => new Worker(script, { type: "module" }), maxPictureMs: 500 },
  );
  await assertRejects(() => converter.convert(() => request(), some()), StreamError, "0.5 s");
  converter.stop();
});

Deno.test("Converter goes on with another thread after one has died", async () => {
  const module = new URL("../../src/http/convert_worker.ts", import.meta.url).href;
  const scripts = ["data:text/javascript,throw new Error('out of memory')", module];
  let nowMs = 0;
  const converter = new Converter(
    { nowMs: () => nowMs += 1e6, wallUs: () => 0 },
    { openThread: () => new Worker(scripts.shift()!, { type: "module" }) },
  );
  const first = assertRejects(() => converter.convert(() => request(), some()), StreamError);
  const second = converter.convert(() => request(), some());
  assertMatch((await first).message, /^Cannot convert pictures: .*out of memory/);
  assert(await second !== undefined);
  converter.stop();
});

Deno.test("Converter that is stopped lets go of all that wait", async () => {
  const converter = new Converter({ nowMs: () => 0, wallUs: () => 0 });
  const waiting = [1, 2].map(() => converter.convert(() => request(), some()));
  converter.stop();
  converter.stop();
  assertEquals(await Promise.all(waiting), [undefined, undefined]);
  assertEquals(await converter.convert(() => request(), some()), undefined);
});
