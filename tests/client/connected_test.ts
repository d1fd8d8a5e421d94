// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { ClockPoll } from "../../src/client/connected.ts";

Deno.test("ClockPoll asks once the relay has greeted, and again as often as the session wants", () => {
  let nowMs = 0;
  const clock = { nowMs: () => nowMs, wallUs: () => nowMs * 1000 };
  const sent: unknown[] = [];
  const connection = { send: (message: unknown) => void sent.push(message) };
  const session = { welcome: undefined as unknown, clockIntervalMs: 50, askTime: String };
  const poll = new ClockPoll();
  const pollAt = (ms: number) => {
    nowMs = ms;
    return poll.poll(session, connection, clock);
  };
  assertEquals([pollAt(0), sent], [10_000, []]);
  session.welcome = {};
  assertEquals([pollAt(10), sent], [60, ["10000"]]);
  session.clockIntervalMs = 1000;
  assertEquals([pollAt(59), sent.length], [60, 1]);
  assertEquals([pollAt(60), sent], [1060, ["10000", "60000"]]);
});

Deno.test("ClockPoll waits for a greeting for ten seconds, and for no other message", () => {
  let nowMs = 5;
  const clock = { nowMs: () => nowMs, wallUs: () => nowMs * 1000 };
  const session = { welcome: undefined as unknown, clockIntervalMs: 50, askTime: String };
  const poll = new ClockPoll();
  assertEquals(poll.isInVain(session, clock), false);
  assertEquals(poll.poll(session, { send: () => {} }, clock), 10_005);
  nowMs = 10_004;
  assertEquals(poll.isInVain(session, clock), false);
  nowMs = 10_005;
  assertEquals(poll.isInVain(session, clock), true);
  session.welcome = {};
  assertEquals(poll.isInVain(session, clock), false);
});
