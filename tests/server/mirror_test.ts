/** A stream in a thread that sends to viewers of its own. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { Budget } from "../../src/core/budget.ts";
import { Mirror } from "../../src/link/mirror.ts";
import type { LinkRequest } from "../../src/link/link.ts";
import { KeptFrames } from "../../src/relay/kept_frames.ts";
import { Memory } from "../../src/relay/memory.ts";
import { DEFAULT_OPTIONS } from "../../src/relay/options.ts";
import { Turns } from "../../src/relay/turns.ts";
import { feed, frame } from "../core/samples.ts";

Deno.test("Mirror counts frames that do not come to its thread, for every viewer", () => {
  const told: LinkRequest[] = [];
  const mirror = new Mirror("live", {
    clock: { nowMs: () => 0, wallUs: () => 0 },
    turns: new Turns(),
    cached: new Budget(1e9),
    kept: new KeptFrames(new Memory(DEFAULT_OPTIONS)),
    link: { scheme: "test", tell: (message) => told.push(message) },
    subscription: 2,
    numberViewer: () => 1,
    onIdle: () => {},
  });
  let welcomed = 0;
  const viewers = [feed(), feed()].map((feed) => ({
    feed,
    joinFrom: "key" as const,
    welcome: () => void welcomed++,
    ended: () => {},
    report: () => {},
    close: () => {},
  }));
  for (const viewer of viewers) mirror.join(viewer);
  const state = { fps: "source", isPublishing: true } as const;
  const opened = { name: "live", run: "r", state, history: [], isWhole: false };
  // For viewers who have gone: another mirror was there for them.
  mirror.receive({ type: "opened", subscription: 1, ...opened });
  assertEquals(welcomed, 0);
  mirror.receive({ type: "opened", subscription: 2, ...opened });
  assertEquals(welcomed, 2);
  mirror.receive({ type: "missed", name: "live", frames: 3 });
  mirror.receive({ type: "frame", name: "live", frame: frame(4) });
  mirror.receive({ type: "missed", name: "live", frames: 2 });
  const { dropped, sent } = mirror.numbers();
  assertEquals([dropped.overrun, sent.frames], [10, 2]);
  for (const viewer of viewers) mirror.leave(viewer);
  assertEquals([told[0]?.type, told.at(-1)?.type], ["subscribe", "unsubscribe"]);
});

Deno.test("Mirror that is refused is of no use to viewers that come while its own leave", () => {
  const told: LinkRequest[] = [];
  let idle = 0;
  const mirror = new Mirror("live", {
    clock: { nowMs: () => 0, wallUs: () => 0 },
    turns: new Turns(),
    cached: new Budget(1e9),
    kept: new KeptFrames(new Memory(DEFAULT_OPTIONS)),
    link: { scheme: "test", tell: (message) => told.push(message) },
    subscription: 2,
    numberViewer: () => 1,
    onIdle: () => void idle++,
  });
  const closed: string[] = [];
  const viewer = {
    feed: feed(),
    joinFrom: "key" as const,
    welcome: () => {},
    ended: () => {},
    report: () => {},
    close: (_code: number, reason: string) => closed.push(reason),
  };
  mirror.join(viewer);
  const refused = { type: "refused", name: "live", code: 4005, reason: "full" } as const;
  mirror.receive({ ...refused, subscription: 1 });
  assertEquals([closed, idle], [[], 0]);
  mirror.receive({ ...refused, subscription: 2 });
  assertEquals([closed, idle], [["full"], 1]);
  // Its connection is gone only now.
  mirror.leave(viewer);
  assertEquals([idle, told.map(({ type }) => type)], [1, ["subscribe", "unsubscribe"]]);
});
