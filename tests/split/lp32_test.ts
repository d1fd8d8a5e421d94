// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { Lp32Splitter } from "../../src/split/lp32.ts";
import { concat, errorOf, jpeg, png, ramp, split, uint32 } from "./samples.ts";

function create(maxFrameBytes = 4096): Lp32Splitter {
  return new Lp32Splitter({ maxFrameBytes });
}

function messages(...payloads: Uint8Array[]): Uint8Array {
  return concat(...payloads.flatMap((payload) => [uint32(payload.length), payload]));
}

Deno.test("Lp32Splitter tells codec and size where the payload does", () => {
  const { frames } = split(create(), [messages(jpeg(), jpeg(), png(), ramp(5))]);
  const seen = frames.map(({ config: { format, codec, width } }) => [format, codec, width]);
  assertEquals(seen, [
    ["lp32", "jpeg", 16],
    ["lp32", "jpeg", 16],
    ["lp32", "png", 16],
    ["lp32", null, null],
  ]);
  assertStrictEquals(frames[0]!.config, frames[1]!.config);
});

Deno.test("Lp32Splitter refuses an empty message", () => {
  const { fault } = errorOf(create(), messages(ramp(5), ramp(0), ramp(5)));
  assertEquals([fault.frame, fault.offset, fault.found], [2, 9, "0"]);
});

Deno.test("Lp32Splitter refuses a length over the limit before any of its bytes", () => {
  const error = errorOf(create(), uint32(0xffffffff));
  assertStringIncludes(
    error.message,
    "at most 4096 bytes (--max-frame), found a frame of 4294967295",
  );
});

Deno.test("Lp32Splitter advises to raise the limit only where a frame may be so large", () => {
  const large = errorOf(create(), uint32(5000));
  assertStringIncludes(large.message, "raise --max-frame");
  const absurd = errorOf(create(), uint32(0xffffffff));
  assertStringIncludes(absurd.message, "check that the input is complete and has this format");
});
