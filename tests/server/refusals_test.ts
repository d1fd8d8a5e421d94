/** Whoever is refused is counted by reason at all threads together, and told once a second. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Access } from "../../src/access/access.ts";
import { systemClock } from "../../src/host/clock.ts";
import { type LogFields, silentLog } from "../../src/host/log.ts";
import { Refusals, sharedRefusals } from "../../src/listen/refusals.ts";
import { serve } from "../../src/server/serve.ts";
import { Client, DEFAULTS, startRelay } from "./fixture.ts";

function logged() {
  const lines: (readonly [string, LogFields | undefined])[] = [];
  const warn = (message: string, fields?: LogFields) => void lines.push([message, fields]);
  return { lines, log: { ...silentLog, warn } };
}

Deno.test("Refusals tells once for each reason what has happened since, and then no more", () => {
  const { lines, log } = logged();
  const refusals = new Refusals(log);
  refusals.add("origin", "refused a page");
  for (const name of ["a", "b", "c"]) refusals.add("stalled", `closed a viewer of "${name}"`);
  assertEquals(lines, []);
  refusals.report();
  refusals.report();
  assertEquals(lines, [
    ["refused a page", { reason: "origin", count: 1 }],
    ['closed a viewer of "c" (3 times within a second, this one last)', {
      reason: "stalled",
      count: 3,
    }],
  ]);
  assertEquals([refusals.total("origin"), refusals.total("stalled")], [1, 3]);
});

Deno.test("Refusals counts what all threads have refused", () => {
  const counts = sharedRefusals(3);
  const threads = [0, 1, 2].map((own) => new Refusals(silentLog, counts, own));
  threads[1]!.add("access", "one");
  threads[2]!.add("access", "another");
  threads[2]!.add("stalled", "a third");
  assertEquals(threads.map((each) => each.total("access")), [2, 2, 2]);
  assertEquals(threads.map((each) => each.total("origin")), [0, 0, 0]);
});

async function refused(address: string, reason: string): Promise<number> {
  const text = await (await fetch(`${address}/metrics`)).text();
  return Number(
    new RegExp(`^stream_refused_total{reason="${reason}"} (\\d+)$`, "m").exec(text)?.[1],
  );
}

Deno.test("/metrics counts requests and hellos without leave, and those of pages of other sites", async () => {
  const access: Access = {
    authorize: ({ action }) => action === "admin" || action === "publish" ? "forbidden" : "allowed",
  };
  await using relay = await serve({ ...DEFAULTS, workers: 1 }, {
    clock: systemClock,
    log: silentLog,
    signal: new AbortController().signal,
    access,
  });
  const change = { method: "PATCH", body: '{"fps": 10}' };
  const answer = await fetch(`${relay.address}/api/streams/cam`, change);
  assertStringIncludes(await answer.text(), "do not permit admin");
  assertEquals([answer.status, await refused(relay.address, "access")], [403, 1]);
  const socket = relay.address.replace("http:", "ws:");
  const hello = { role: "publish", session: "s" };
  await using publisher = await Client.hello(`${socket}/cam`, hello);
  assertEquals((await publisher.closed).code, 1008);
  assertEquals(await refused(relay.address, "access"), 2);
  assertEquals(await refused(relay.address, "origin"), 0);
});

Deno.test("/metrics counts pages of other sites, whichever thread they came to", async () => {
  await using relay = await startRelay();
  for (let count = 1; count <= 4; count++) {
    const response = await fetch(`${relay.address}/api/streams/cam`, {
      method: "PATCH",
      body: '{"fps": 10}',
      headers: { origin: "https://other.example" },
    });
    assertStringIncludes(await response.text(), "https://other.example");
    assertEquals([response.status, await refused(relay.address, "origin")], [403, count]);
  }
});
