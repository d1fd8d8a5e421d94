// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { bareConfig } from "../../src/core/frame.ts";
import { StreamError } from "../../src/errors.ts";
import type { ConvertRequest } from "../../src/http/convert_worker.ts";
import { Converter } from "../../src/http/converter.ts";

/** A request that can be fulfilled, for a picture of one gray pixel. */
function request(level = 0): ConvertRequest {
  return {
    data: Uint8Array.of(level),
    config: bareConfig("raw", { width: 1, height: 1, pixelFormat: "gray" }),
    isPng: false,
    to: "png",
    maxPixels: 100,
  };
}

/** A converter that never rests for long, as its clock is always far ahead. */
function hasty(): Converter & Disposable {
  let nowMs = 0;
  const converter = new Converter({ nowMs: () => nowMs += 1e6, wallUs: () => 0 });
  return Object.assign(converter, { [Symbol.dispose]: () => converter.stop() });
}

Deno.test("Converter converts in the order in which it is asked, and asks what when it is its turn", async () => {
  using converter = hasty();
  const turns: number[] = [];
  const results = await Promise.all([1, 2, 3].map((number) =>
    converter.convert(() => {
      turns.push(number);
      return number === 2 ? undefined : request(number);
    })
  ));
  assertEquals(turns, [1, 2, 3]);
  assertEquals(results.map((result) => result !== undefined), [true, false, true]);
});

Deno.test("Converter says why something cannot be converted, and goes on", async () => {
  using converter = hasty();
  const broken = { ...request(), data: new Uint8Array(2) };
  const error = await assertRejects(() => converter.convert(() => broken), StreamError);
  assertEquals(
    (error as StreamError).message,
    "Cannot convert a picture of 1x1 pixels in gray: expected 1 bytes, found 2",
  );
  assert(await converter.convert(() => request()) !== undefined);
});

Deno.test("Converter rests behind each picture for as long as its share of a core demands", async () => {
  let nowMs = 0;
  const converter = new Converter({ nowMs: () => nowMs, wallUs: () => 0 });
  await converter.convert(() => request());
  let hadTurn = false;
  const second = converter.convert(() => {
    hadTurn = true;
    return request();
  });
  assertEquals(hadTurn, false);
  nowMs = 1e6;
  assert(await second !== undefined);
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
  const first = assertRejects(() => converter.convert(() => request()), StreamError);
  const second = converter.convert(() => request());
  assertMatch((await first).message, /^Cannot convert pictures: .*out of memory/);
  assert(await second !== undefined);
  converter.stop();
});

Deno.test("Converter that is stopped lets go of all that wait", async () => {
  const converter = new Converter({ nowMs: () => 0, wallUs: () => 0 });
  const waiting = [1, 2].map(() => converter.convert(() => request()));
  converter.stop();
  converter.stop();
  assertEquals(await Promise.all(waiting), [undefined, undefined]);
  assertEquals(await converter.convert(() => request()), undefined);
});
