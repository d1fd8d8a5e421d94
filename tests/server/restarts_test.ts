/** Threads of the relay that are lost, and when others are started. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { openAccess } from "../../src/access/access.ts";
import { silentLog } from "../../src/host/log.ts";
import { sharedVisits } from "../../src/listen/gate.ts";
import { DEFAULT_LISTEN_LIMITS } from "../../src/listen/limits.ts";
import { sharedRefusals } from "../../src/listen/refusals.ts";
import { Hub } from "../../src/relay/hub.ts";
import { sharedCounts } from "../../src/relay/memory.ts";
import { DEFAULT_OPTIONS } from "../../src/relay/options.ts";
import { Restarts } from "../../src/shards/restarts.ts";
import { ShardPool } from "../../src/shards/shard_pool.ts";

Deno.test("Restarts doubles the delay of a place from 100 ms to 10 s, until a thread there has listened for 2 s", () => {
  const restarts = new Restarts();
  const lost = (own: number, nowMs: number) => restarts.lost(own, "gone", nowMs);
  restarts.listens(1, 0);
  const delays = Array.from({ length: 9 }, () => lost(1, 2000));
  assertEquals(delays, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
  assertEquals(lost(2, 2000), 100);
  restarts.listens(1, 20_000);
  assertEquals(lost(1, 21_999), 10_000);
  restarts.listens(1, 40_000);
  assertEquals([lost(1, 42_000), lost(1, 42_001)], [100, 200]);
});

Deno.test("Restarts has losses told at most once a second, and none forgotten", () => {
  const restarts = new Restarts();
  assertEquals(restarts.untold(0), undefined);
  restarts.lost(1, "first", 0);
  assertEquals(restarts.untold(0), { count: 1, own: 1, why: "first", delayMs: 100 });
  restarts.lost(1, "second", 100);
  restarts.lost(2, "third", 200);
  assertEquals(restarts.untold(999), undefined);
  assertEquals(restarts.untold(1000), { count: 2, own: 2, why: "third", delayMs: 100 });
  assertEquals(restarts.untold(5000), undefined);
});

/** A thread that a test holds in its hands. */
class FakeThread {
  onmessage: ((event: unknown) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  isOver = false;

  postMessage(): void {}

  terminate(): void {
    this.isOver = true;
  }

  say(news: unknown): void {
    this.onmessage?.({ data: news });
  }

  die(message: string): void {
    this.onerror?.({ message, preventDefault: () => {} });
  }
}

Deno.test("ShardPool tries more and more seldom to start a thread that cannot, and says so at most once a second", async () => {
  let nowMs = 0;
  const said: string[] = [];
  const opened: FakeThread[] = [];
  const waiting: { readonly delayMs: number; readonly act: () => void; isOff: boolean }[] = [];
  const hub = new Hub({ ...DEFAULT_OPTIONS, fps: "source" }, {
    clock: { nowMs: () => nowMs, wallUs: () => nowMs * 1000 },
    log: { ...silentLog, error: (message) => said.push(message) },
    access: openAccess,
  });
  let mayOpen = true;
  const pool = new ShardPool(hub, {
    workers: 1,
    shared: {
      host: "127.0.0.1",
      port: 0,
      listener: "node",
      limits: DEFAULT_LISTEN_LIMITS,
      counts: sharedCounts(2),
      visits: sharedVisits(2),
      refused: sharedRefusals(2),
      isolatesThreads: false,
    },
    askThere: () => Promise.reject(new Error("nobody asks")),
    openThread: () => {
      if (!mayOpen) throw new Error("no room for a thread");
      const thread = new FakeThread();
      opened.push(thread);
      return thread as unknown as Worker;
    },
    after: (delayMs, act) => {
      const timer = { delayMs, act, isOff: false };
      waiting.push(timer);
      return () => timer.isOff = true;
    },
  });
  /** Lets the time come for which another thread waits. */
  const goOn = () => {
    const { delayMs, act } = waiting.shift()!;
    assertEquals(waiting.length, 0);
    nowMs += delayMs;
    act();
    return delayMs;
  };
  const starting = pool.start();
  opened[0]!.say({ type: "listening" });
  await starting;
  nowMs = 5000;
  opened[0]!.die("told to die");
  const delays: number[] = [];
  for (let n = 0; n < 6; n++) {
    delays.push(goOn());
    opened.at(-1)!.die("cannot begin");
  }
  // Where there is no thread that could say why.
  mayOpen = false;
  delays.push(goOn(), goOn());
  assertEquals(delays, [100, 200, 400, 800, 1600, 3200, 6400, 10_000]);
  assertEquals(opened.map(({ isOver }) => isOver), Array(7).fill(true));
  assertEquals(said[0], "lost a thread of the relay, starting another in 0.1 s: told to die");
  assertEquals(said.length, 6, said.join("\n"));
  assertMatch(said[1]!, /in 1\.6 s: cannot begin \(4 times since/);
  assertMatch(said.at(-1)!, /in 10 s: no room for a thread$/);
  mayOpen = true;
  goOn();
  opened.at(-1)!.say({ type: "listening" });
  nowMs += 2000;
  opened.at(-1)!.die("told to die again");
  assertEquals(waiting.map(({ delayMs }) => delayMs), [100]);
  await pool.stop();
  assertEquals(waiting.map(({ isOff }) => isOff), [true]);
});
