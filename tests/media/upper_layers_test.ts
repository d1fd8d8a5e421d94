// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { bareConfig } from "../../src/core/frame.ts";
import { readLayerRecord } from "../../src/media/decoder_record.ts";
import { upperLayersOf } from "../../src/media/upper_layers.ts";
import { hevcHeader, hevcPps, hevcSlice, hevcSps, hevcVps } from "../split/nal_samples.ts";
import { concat, uint16 } from "../split/samples.ts";
import { fileOf, readBytes, type Shot } from "./files.ts";

const CONFIG = bareConfig("hevc", { codec: "hev1.1.6.L30.90", width: 160, height: 128 });
const SETS = concat(hevcVps(), hevcSps(), hevcPps());

function sei(...messages: readonly number[][]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([0, 0, 0, 1, ...hevcHeader(39), ...messages.flat(), 0x80]);
}

const OTHER = [0xff, 1, 2, 9, 9];
const ALPHA = sei([5, 1, 7], OTHER, [165, 4, 0, 0x7f, 0x80, 0]);

/** Frames of one key picture and deltas, each with `before` and `behind` it. */
function shots(before: Uint8Array, behind: Uint8Array): { base: Shot[]; all: Shot[] } {
  const frame = (index: number, extra: boolean): Shot => ({
    data: concat(
      index === 0 ? SETS : new Uint8Array(0),
      before,
      hevcSlice({ type: index === 0 ? 20 : 1 }),
      extra ? behind : new Uint8Array(0),
    ),
    kind: index === 0 ? "key" : "delta",
    timeUs: index * 40_000,
    config: CONFIG,
  });
  const of = (extra: boolean) => Array.from({ length: 5 }, (_, index) => frame(index, extra));
  return { base: of(false), all: of(true) };
}

for (
  const [what, before, note] of [
    [
      "transparency",
      ALPHA,
      /^the transparency in movie is left out, .*: ffmpeg -i movie .*-c:v png /,
    ],
    [
      "layers of which nothing is told",
      new Uint8Array(0),
      /^the upper layers .*: ffmpeg -i movie /,
    ],
  ] as const
) {
  for (const name of ["x.mp4", "x.mkv"]) {
    Deno.test(`MediaSource plays the base layer of H.265 with ${what} in ${name}, and says so once`, async () => {
      const { base, all } = shots(before, hevcSlice({ layer: 1 }));
      const { frames, error, notes, damaged } = await readBytes(fileOf(name, all));
      assertEquals(error, undefined);
      assertEquals(frames.map(({ data }) => data), base.map(({ data }) => data));
      assertEquals([notes.length, damaged], [1, 0]);
      assertMatch(notes[0]!, note);
    });
  }
}

Deno.test("MediaSource says nothing of layers where H.265 has the base layer alone", async () => {
  const { base } = shots(sei([5, 1, 7], OTHER), new Uint8Array(0));
  const { notes, frames } = await readBytes(fileOf("x.mp4", base));
  assertEquals(frames.map(({ data }) => data), base.map(({ data }) => data));
  assertEquals(notes, []);
});

Deno.test("upperLayersOf ends in an SEI whose sizes lead nowhere", () => {
  for (const bytes of [[], [0xff], [0xff, 0xff, 0xff], [3, 0xff, 0xff], [164, 200, 165, 1]]) {
    const unit = Uint8Array.from([...hevcHeader(39), ...bytes]);
    assertEquals(upperLayersOf([unit]), undefined);
  }
});

Deno.test("readLayerRecord finds transparency in the record of upper layers", () => {
  const record = (unit: Uint8Array) =>
    concat(
      Uint8Array.of(1, 0xf0, 0, 0xfc, 0xcf, 1, 0x80 | 39),
      uint16(1),
      uint16(unit.length),
      unit,
    );
  assertEquals(readLayerRecord(record(ALPHA.subarray(4))), "transparency");
  assertEquals(readLayerRecord(record(sei(OTHER).subarray(4))), "unknown");
  assertEquals(readLayerRecord(record(ALPHA.subarray(4)).subarray(0, 12)), "unknown");
  assertEquals(readLayerRecord(new Uint8Array(0)), "unknown");
});
