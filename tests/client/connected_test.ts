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
  assertEquals([pollAt(0), sent], [Infinity, []]);
  session.welcome = {};
  assertEquals([pollAt(10), sent], [60, ["10000"]]);
  session.clockIntervalMs = 1000;
  assertEquals([pollAt(59), sent.length], [60, 1]);
  assertEquals([pollAt(60), sent], [1060, ["10000", "60000"]]);
});
