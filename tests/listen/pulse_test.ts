// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { type Life, Pulse } from "../../src/listen/pulse.ts";

const NEVER_MS = 1_000_000;

/** A connection that notes what is done to it. */
class NotedLife implements Life {
  bytes = 0;
  done: string[] = [];

  heardBytes(): number {
    return this.bytes;
  }

  ping(): void {
    this.done.push("ping");
  }

  end(): void {
    this.done.push("end");
  }
}

Deno.test("Pulse pings who was silent for a beat, and ends who does not answer by the next", () => {
  const pulse = new Pulse(NEVER_MS);
  const silent = new NotedLife();
  const answering = new NotedLife();
  pulse.add(silent);
  pulse.add(answering);
  pulse.beat();
  answering.bytes += 6;
  pulse.beat();
  assertEquals(silent.done, ["ping", "end"]);
  assertEquals(answering.done, ["ping"]);
  pulse.beat();
  assertEquals(answering.done, ["ping", "ping"]);
  pulse.delete(silent);
  pulse.delete(answering);
});

Deno.test("Pulse leaves a message alone that takes many beats, as long as its bytes come", () => {
  const pulse = new Pulse(NEVER_MS);
  const life = new NotedLife();
  pulse.add(life);
  for (let beat = 0; beat < 100; beat++) {
    life.bytes++;
    pulse.beat();
  }
  assertEquals(life.done, []);
  pulse.delete(life);
});

Deno.test("Pulse beats by itself while there is somebody to look after", async () => {
  const ended = Promise.withResolvers<void>();
  const pulse = new Pulse(1);
  const life: Life = { heardBytes: () => 0, ping: () => {}, end: () => ended.resolve() };
  pulse.add(life);
  await ended.promise;
  // Its timer would be a leak.
  pulse.delete(life);
});
