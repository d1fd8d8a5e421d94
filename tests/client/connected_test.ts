// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { Lifeline, NO_GREETING, SILENT } from "../../src/client/connected.ts";

/** A lifeline with all that a test moves. */
function scene() {
  let nowMs = 0;
  const clock = { nowMs: () => nowMs, wallUs: () => nowMs * 1000 };
  const sent: unknown[] = [];
  const connection = { send: (message: unknown) => void sent.push(message), heard: 0, waiting: 0 };
  const session = { welcome: undefined as unknown, clockIntervalMs: 50, askTime: String };
  const lifeline = new Lifeline();
  const pollAt = (ms: number) => {
    nowMs = ms;
    return lifeline.poll(session, connection, clock);
  };
  return { sent, connection, session, lifeline, pollAt };
}

Deno.test("Lifeline asks for the time once the relay has greeted, and again as often as the session wants", () => {
  const { sent, session, pollAt } = scene();
  assertEquals([pollAt(0), sent], [1000, []]);
  session.welcome = {};
  assertEquals([pollAt(10), sent], [60, ["10000"]]);
  session.clockIntervalMs = 5000;
  assertEquals([pollAt(59), sent.length], [60, 1]);
  assertEquals([pollAt(60), sent], [1000, ["10000", "60000"]]);
});

Deno.test("Lifeline waits for a greeting for ten seconds, whatever else comes", () => {
  const { connection, session, lifeline, pollAt } = scene();
  for (let ms = 5; ms < 10_005; ms += 500) {
    connection.heard++;
    pollAt(ms);
    assertEquals(lifeline.lost, undefined);
  }
  pollAt(10_004);
  assertEquals(lifeline.lost, undefined);
  pollAt(10_005);
  assertEquals(lifeline.lost, NO_GREETING);
  session.welcome = {};
  pollAt(10_006);
  assertEquals(lifeline.lost, undefined);
});

Deno.test("Lifeline gives a relay up that has greeted and been silent for ten seconds", () => {
  const { connection, session, lifeline, pollAt } = scene();
  session.welcome = {};
  const lostAt = (ms: number) => {
    pollAt(ms);
    return lifeline.lost;
  };
  lostAt(0);
  for (let ms = 1000; ms <= 9000; ms += 1000) assertEquals(lostAt(ms), undefined);
  // A part of a message is a sign of life.
  connection.heard++;
  for (let ms = 10_000; ms <= 19_000; ms += 1000) assertEquals(lostAt(ms), undefined);
  // What nobody has taken yet is none of the relay's silence.
  connection.waiting = 1;
  assertEquals(lostAt(20_000), undefined);
  connection.waiting = 0;
  for (let ms = 21_000; ms <= 29_000; ms += 1000) assertEquals(lostAt(ms), undefined);
  assertEquals(lostAt(29_999), undefined);
  assertEquals(lostAt(30_000), SILENT);
  connection.heard++;
  assertEquals(lostAt(31_000), undefined);
});

Deno.test("Lifeline counts time in which this computer was asleep once", () => {
  const { session, lifeline, pollAt } = scene();
  session.welcome = {};
  for (const ms of [0, 1000, 500_000, 501_000]) {
    pollAt(ms);
    assertEquals(lifeline.lost, undefined);
  }
});
