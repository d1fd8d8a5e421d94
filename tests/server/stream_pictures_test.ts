// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { bareConfig, type Frame } from "../../src/core/frame.ts";
import { silentLog } from "../../src/host/log.ts";
import { AllPictures } from "../../src/http/stream_pictures.ts";
import type { WatchedStream } from "../../src/relay/viewer.ts";
import { soon } from "../waiting.ts";
import { ByHand } from "./converters.ts";

/** A stream of raw frames, of which only the newest is known. */
class Shown {
  readonly name = "cam";
  newestKey: Frame | undefined;

  show(level: number): void {
    const config = bareConfig("raw", { width: 1, height: 1, pixelFormat: "gray" });
    this.newestKey = { data: Uint8Array.of(level), config } as Frame;
  }
}

/** A stream, and its pictures, which are converted by hand. */
function picturesOf(hand: ByHand) {
  const stream = new Shown();
  const all = new AllPictures(hand.converter, silentLog);
  return { stream, pictures: all.of(stream as unknown as WatchedStream) };
}

Deno.test("StreamPictures converts the newest frame only, however many have come", async () => {
  using hand = new ByHand();
  const { stream, pictures } = picturesOf(hand);
  stream.show(1);
  const first = pictures.newest("png");
  const same = pictures.newest("png");
  for (const level of [2, 3, 4]) stream.show(level);
  hand.threads[0]!.answer(1000);
  assertEquals((await first)?.frame.data[0], 1);
  assertEquals((await same)?.frame.data[0], 1);
  const later = pictures.newest("png");
  stream.show(5);
  hand.nowMs = 1e6;
  const other = pictures.newest("jpeg");
  assertEquals(hand.given, [1, 5]);
  hand.threads[0]!.answer(1);
  assertEquals((await later)?.frame.data[0], 5);
  hand.converter.stop();
  assertEquals(await other, undefined);
});

Deno.test("StreamPictures has a picture again that is made, while its stream rests", async () => {
  using hand = new ByHand();
  const { stream, pictures } = picturesOf(hand);
  stream.show(1);
  const first = pictures.newest("png");
  hand.threads[0]!.answer(1000);
  await first;
  const again = await soon("the same picture", Promise.resolve(pictures.newest("png")));
  assertEquals(again?.frame.data[0], 1);
  assertEquals(hand.given, [1]);
});
