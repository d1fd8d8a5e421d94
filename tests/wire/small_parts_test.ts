/** The small parts of the wire: close codes, names, the offset between clocks. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { ClockOffset } from "../../src/wire/clock_offset.ts";
import { CLOSE, closeReason, mayRetry } from "../../src/wire/close_code.ts";
import { DEFAULT_NAME, nameFault, RESERVED_NAMES } from "../../src/wire/stream_name.ts";

/** The table of the protocol's description. */
const IS_RETRIED: Readonly<Record<keyof typeof CLOSE, boolean>> = {
  normal: false,
  goingAway: true,
  protocolError: false,
  unsupportedData: false,
  invalidData: false,
  refused: false,
  tooLarge: false,
  internalError: true,
  tryAgainLater: true,
  badName: false,
  badVersion: false,
  helloTimeout: true,
  busy: false,
  takenOver: false,
  full: false,
  overCredit: false,
  stalled: true,
  accessEnded: false,
  ended: false,
};

for (const [name, isRetried] of Object.entries(IS_RETRIED)) {
  Deno.test(`mayRetry is ${isRetried} for ${name}`, () => {
    assertEquals(mayRetry(CLOSE[name as keyof typeof CLOSE]), isRetried);
  });
}

Deno.test("mayRetry is true for connections that end without a close frame, and for proxies", () => {
  for (const code of [0, 1005, 1006, 1012, 1013, 1014]) assert(mayRetry(code), String(code));
  for (const code of [3000, 4999, 1004, 1015]) assert(!mayRetry(code), String(code));
});

Deno.test("CLOSE has codes that a server may send, each once", () => {
  const codes = Object.values(CLOSE);
  assertEquals(new Set(codes).size, codes.length);
  for (const code of codes) {
    const standard = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1013];
    assert(code >= 4000 ? code < 5000 : standard.includes(code));
  }
});

Deno.test("closeReason leaves 123 bytes alone and cuts one more", () => {
  assertEquals(closeReason("x".repeat(123)), "x".repeat(123));
  assertEquals(closeReason("x".repeat(124)), "x".repeat(123));
  assertEquals(closeReason("x".repeat(122) + "é"), "x".repeat(122));
  assertEquals(closeReason("x".repeat(121) + "é"), "x".repeat(121) + "é");
  assertEquals(closeReason("x".repeat(120) + "🎥"), "x".repeat(120));
});

Deno.test("closeReason never exceeds 123 bytes of UTF-8 and cuts at a character", () => {
  const text = fc.string({ unit: "binary", minLength: 20, maxLength: 200, size: "max" });
  fc.assert(
    fc.property(text, (reason) => {
      const cut = closeReason(reason);
      const bytes = new TextEncoder().encode(cut).length;
      assert(bytes <= 123);
      assert(reason.startsWith(cut) || reason.includes("\uFEFF") || reason.includes("\uFFFD"));
      if (bytes < 120) assert(cut === reason || /[\uFEFF\uFFFD]/.test(reason));
    }),
    { seed: 1, numRuns: 2000 },
  );
});

Deno.test("nameFault finds nothing wrong with letters, digits, dot, underscore and hyphen", () => {
  for (const name of [DEFAULT_NAME, "a", "Cam_1.front-door", "x".repeat(64), "..a", "API", "-"]) {
    assertEquals(nameFault(name), undefined, name);
  }
});

Deno.test("nameFault says what is wrong with a name", () => {
  for (
    const name of ["", "x".repeat(65), "a/b", "a b", "é", "a\n", ".", "..", "...", "%41", "a?"]
  ) {
    assertMatch(nameFault(name)!, /is not 1 to 64 letters/, name);
  }
  for (const name of RESERVED_NAMES) assertMatch(nameFault(name)!, /is reserved/);
  assertEquals(RESERVED_NAMES, ["api", "assets", "health", "metrics", "ready"]);
});

Deno.test("nameFault shows no more than the start of a long name", () => {
  assert(nameFault("y".repeat(100_000))!.length < 120);
});

/** One exchange with a relay whose clock is `offsetUs` ahead. */
function ask(
  clock: ClockOffset,
  nowUs: number,
  path: { offsetUs: number; thereUs: number; backUs: number },
): number {
  const request = clock.request(nowUs);
  const serverUs = Math.round(nowUs + path.thereUs + path.offsetUs);
  const endUs = nowUs + path.thereUs + path.backUs;
  clock.answer({ ...request, serverUs }, endUs);
  return endUs;
}

Deno.test("ClockOffset knows nothing before the first answer", () => {
  const clock = new ClockOffset();
  assertEquals([clock.isKnown, clock.offsetUs], [false, 0]);
  assertEquals(clock.request(12.6), { type: "time", clientUs: 13, roundTripUs: null });
});

Deno.test("ClockOffset asks four times in a second, then every five seconds", () => {
  const clock = new ClockOffset();
  const intervals = Array.from({ length: 6 }, () => {
    clock.request(0);
    return clock.intervalMs;
  });
  assertEquals(intervals, [250, 250, 250, 5000, 5000, 5000]);
});

Deno.test("ClockOffset is exact where both ways take the same time", () => {
  const clock = new ClockOffset();
  ask(clock, 1_000_000, { offsetUs: -3_600_000_000, thereUs: 20_000, backUs: 20_000 });
  assertEquals([clock.isKnown, clock.offsetUs], [true, -3_600_000_000]);
});

Deno.test("ClockOffset is never wrong by more than half the shortest round trip", () => {
  const delays = fc.integer({ min: 100, max: 500_000 });
  fc.assert(
    fc.property(fc.array(fc.tuple(delays, delays), { minLength: 1, maxLength: 30 }), (trips) => {
      const clock = new ClockOffset();
      let nowUs = 0;
      let shortestUs = Infinity;
      trips.forEach(([thereUs, backUs], index) => {
        nowUs = ask(clock, nowUs, { offsetUs: 777_000, thereUs, backUs });
        // Older measurements count as worse by 200 µs each time.
        shortestUs = Math.min(shortestUs + 200, thereUs + backUs);
        assert(Math.abs(clock.offsetUs - 777_000) <= shortestUs / 2 + 1, `answer ${index}`);
      });
    }),
    { seed: 1, numRuns: 300 },
  );
});

Deno.test("ClockOffset follows a clock that drifts", () => {
  const clock = new ClockOffset();
  let offsetUs = 0;
  for (let nowUs = 0; nowUs < 3600e6; nowUs += 5e6) {
    offsetUs += 250;
    // No later answer is as quick as the first.
    const wayUs = nowUs === 0 ? 4000 : 5000;
    ask(clock, nowUs, { offsetUs, thereUs: wayUs, backUs: wayUs });
  }
  assertAlmostEquals(clock.offsetUs, offsetUs, 1000);
});

Deno.test("ClockOffset ignores an answer from before its question", () => {
  const clock = new ClockOffset();
  clock.answer({ type: "time", clientUs: 100, serverUs: 5 }, 99);
  assert(!clock.isKnown);
});

Deno.test("ClockOffset takes the answer with the shortest round trip", () => {
  const clock = new ClockOffset();
  assert(!clock.isKnown);
  // The relay is 1 s ahead; the way there takes longer than the way back.
  clock.answer({ type: "time", clientUs: 0, serverUs: 1_030_000 }, 40_000);
  assertEquals([clock.isKnown, clock.offsetUs, clock.errorUs], [true, 1_010_000, 20_000]);
  clock.answer({ type: "time", clientUs: 100_000, serverUs: 1_101_000 }, 102_000);
  assertEquals([clock.offsetUs, clock.errorUs], [1_000_000, 1000]);
  clock.answer({ type: "time", clientUs: 200_000, serverUs: 1_225_000 }, 230_000);
  assertEquals(clock.offsetUs, 1_000_000);
  clock.answer({ type: "time", clientUs: 300_000, serverUs: 1_300_500 }, 299_999);
  assertEquals(clock.offsetUs, 1_000_000);
});

Deno.test("ClockOffset follows a clock that is set, though the round trip is longer", () => {
  const clock = new ClockOffset();
  clock.answer({ type: "time", clientUs: 0, serverUs: 1000 }, 2000);
  clock.answer({ type: "time", clientUs: 1_000_000, serverUs: 61_005_000 }, 1_010_000);
  assertEquals(clock.offsetUs, 60_000_000);
});

Deno.test("ClockOffset follows clocks that drift apart", () => {
  const clock = new ClockOffset();
  // 100 ppm, asked for every 5 s for an hour.
  for (let atUs = 0; atUs < 3_600e6; atUs += 5e6) {
    const roundTripUs = 1000 + atUs / 5e6 % 7 * 300;
    const serverUs = (atUs + roundTripUs / 2) * 1.0001;
    clock.answer({ type: "time", clientUs: atUs, serverUs }, atUs + roundTripUs);
    assertAlmostEquals(clock.offsetUs, atUs * 0.0001, 20_000);
  }
});
