// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { Frame } from "../../src/core/frame.ts";
import { cache, codedFrames, recorded } from "./samples.ts";

/** The sequences of the frames that were spliced, of all that a viewer got. */
function spliced(frames: readonly Frame[], held: readonly Frame[] = []): number[] {
  const before = cache();
  for (const frame of held) before.push(frame, 0);
  const sequences: number[] = [];
  const splice = (frame: Frame) => {
    sequences.push(frame.sequence);
    return frame;
  };
  const { offer } = recorded({ splice, maxDelayMs: 1e6 }, before);
  for (const frame of frames) offer(frame, 0);
  return sequences;
}

Deno.test("ViewerFeed splices no frame for a viewer that is there from the beginning", () => {
  assertEquals(spliced(codedFrames("kddkldk")), []);
});

Deno.test("ViewerFeed splices the key frame with which a viewer joins", () => {
  assertEquals(spliced(codedFrames("dk", { first: 6 }), codedFrames("kddkd")), [4]);
});

Deno.test("ViewerFeed splices the key frame behind a gap, also where leading frames were left out", () => {
  const after = codedFrames("klldkld", { first: 11 });
  assertEquals(spliced([...codedFrames("kdd"), ...after]), [11]);
});

Deno.test("ViewerFeed splices the first key frame of another epoch", () => {
  const next = codedFrames("kdk", { first: 4 }).map((frame, index) => ({
    ...frame,
    epoch: 2,
    discontinuity: index === 0,
  }));
  assertEquals(spliced([...codedFrames("kdd"), ...next]), [4]);
});
