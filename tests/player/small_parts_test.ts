/** Rates, runs of a chart, names and sentences. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { runs } from "../../src/player/chart.ts";
import { vp9Colours } from "../../src/player/colours.ts";
import { Window } from "../../src/player/meter.ts";
import { bitRate, missed } from "../../src/player/numbers.ts";
import { type Facts, formatName, stateOf } from "../../src/player/sentences.ts";

Deno.test("Window gives rates over its length, and over less in its first moments", () => {
  const window = new Window(2000);
  for (let atMs = 0; atMs < 1000; atMs += 100) window.add(10, atMs);
  assertEquals(window.rate(1000), 10);
  assertEquals(window.sumRate(1000), 100);
  for (let atMs = 1000; atMs < 5000; atMs += 100) window.add(10, atMs);
  assertEquals([window.rate(4901), window.sumRate(4901)], [10, 100]);
  assertEquals([window.rate(9000), window.median(9000)], [0, undefined]);
});

Deno.test("Window gives the middle one of its values", () => {
  const window = new Window(1000);
  for (const [index, value] of [5, 1, 100, 3, 4].entries()) window.add(value, index);
  assertEquals(window.median(5), 4);
  window.clear();
  assertEquals(window.median(5), undefined);
});

Deno.test("runs gives the known values of a chart and where they begin", () => {
  assertEquals(runs([undefined, 1, 2, undefined, undefined, 3]), [[1, [1, 2]], [5, [3]]]);
  assertEquals(runs([]), []);
});

Deno.test("vp9Colours reads the matrix and the range from a key frame", () => {
  // Profile 0, key frame, shown; then the sync code, colour space and range.
  const frame = (colours: number) => Uint8Array.of(0x82, 0x49, 0x83, 0x42, colours, 0);
  assertEquals(vp9Colours(frame(0b0010_0000)), { matrix: "smpte170m", fullRange: false });
  assertEquals(vp9Colours(frame(0b0101_0000)), { matrix: "bt709", fullRange: true });
  assertEquals(vp9Colours(frame(0)), { matrix: undefined, fullRange: false });
  // Profile 2: a bit for the depth stands before the colour space.
  const deep = Uint8Array.of(0x92, 0x49, 0x83, 0x42, 0b0010_1000, 0);
  assertEquals(vp9Colours(deep), { matrix: "bt709", fullRange: true });
  assertEquals(vp9Colours(Uint8Array.of(0x86, 0, 0, 0, 0)), undefined);
  assertEquals(vp9Colours(new Uint8Array()), undefined);
});

Deno.test("bitRate and missed are for people", () => {
  assertEquals([499_600, 4_240_000, 250e6].map(bitRate), [
    "500 kbit/s",
    "4.2 Mbit/s",
    "250 Mbit/s",
  ]);
  assertEquals(
    missed({ missed: 5, dropped: { slow_viewer: 4, viewer_fps: 0, other_reason: 1 } }),
    [
      "5",
      "4 this viewer was behind",
      "1 other reason",
    ].join(", "),
  );
});

Deno.test("formatName tells the codec or the pixels where they say more than the format", () => {
  const name = (
    format: "mjpeg" | "y4m" | "h264" | "vp8",
    codec: string | null,
    pixelFormat?: string,
  ) => formatName({ format, codec, pixelFormat: pixelFormat ?? null });
  assertEquals(name("mjpeg", "jpeg"), "JPEG");
  assertEquals(name("y4m", "raw", "yuv420p"), "Y4M · yuv420p");
  assertEquals(name("h264", "avc1.42E01E"), "H.264 · avc1.42E01E");
  assertEquals(name("vp8", "vp8"), "VP8");
  assertEquals(name("h264", null), "H.264");
});

const PLAYING: Facts = {
  name: "live",
  connection: "open",
  lost: undefined,
  isOnline: true,
  isPublishing: true,
  hasEnded: false,
  isSilent: false,
  hasPicture: true,
  isFresh: true,
  needsKey: false,
  unsupported: undefined,
  damaged: undefined,
};

function lost(code: number, isFinal: boolean, failures = 0, why = ""): Facts {
  return { ...PLAYING, connection: "lost", lost: { code, why, isFinal, failures } };
}

Deno.test("stateOf has nothing to say of a picture that is there", () => {
  assertEquals(stateOf(PLAYING), { kind: "playing", sentence: "", isStale: false });
  // A publisher that sends a picture now and then.
  assertEquals(stateOf({ ...PLAYING, isSilent: true }).kind, "playing");
});

Deno.test("stateOf says what is waited for, in whole sentences", () => {
  const cases: [Partial<Facts>, string, RegExp][] = [
    [{ connection: "connecting", hasPicture: false }, "connecting", /^Connecting…$/],
    [{ isPublishing: false, isSilent: true }, "waiting", /publisher is gone/],
    [
      { isPublishing: false, isFresh: false, hasPicture: false },
      "waiting",
      /Nobody is publishing “live”/,
    ],
    [{ isFresh: false, hasPicture: false }, "waiting", /first picture/],
    [{ isFresh: false }, "waiting", /next picture/],
    [{ needsKey: true }, "waiting", /key frame/],
    [{ damaged: "The browser cannot read this picture" }, "waiting", /cannot read/],
    [{ hasEnded: true, isPublishing: false, isSilent: true }, "ended", /has ended/],
    [{ unsupported: "H.264 needs https." }, "unsupported", /https/],
    [lost(1006, false), "lost", /connection was lost/],
    [lost(1006, false, 1), "lost", /does not answer/],
    [{ ...lost(1006, false, 9), isOnline: false }, "lost", /offline/],
    [lost(1001, false), "lost", /stopped/],
    [lost(1006, false, 3), "blocked", /WebSockets cannot reach the relay/],
    [lost(4000, true), "refused", /“live” cannot be the name/],
    [lost(4001, true), "refused", /versions/],
    [lost(4005, true), "refused", /full/],
    [lost(1002, true, 0, "it does not speak"), "refused", /it does not speak \(1002\)/],
  ];
  for (const [facts, kind, sentence] of cases) {
    const state = stateOf({ ...PLAYING, ...facts });
    assertEquals([state.kind, state.isStale], [kind, true], state.sentence);
    assertMatch(state.sentence, sentence);
    assertMatch(state.sentence, /[.…]$|\(\d+\)\.$/);
  }
});
