/** The relays that this one is compared with do the job that is measured. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { missingOf, PEER_CONTENDERS, us, VIEWERS } from "../../bench/compare/contender.ts";
import { measureAtLimit } from "../../bench/compare/load.ts";
import { startProgram } from "../../bench/relay.ts";
import { Client, frameOf } from "../server/fixture.ts";

for (const contender of PEER_CONTENDERS) {
  const missing = await missingOf(contender);
  Deno.test({
    name: missing === undefined
      ? `${contender.name} sends each frame to every viewer, byte for byte`
      : `${contender.name} (skipped: ${missing})`,
    ignore: missing !== undefined,
    async fn() {
      await using relay = await startProgram(contender.line);
      await using one = await Client.open(`${relay.url}?role=watch`);
      await using other = await Client.open(`${relay.url}?role=watch`);
      await using publisher = await Client.open(`${relay.url}?role=publish`);
      const viewers = [one, other];
      // A connection may be open before the relay has counted its viewer in.
      const probe = frameOf(0, 5);
      const timer = setInterval(() => publisher.send(probe), 10);
      for (const viewer of viewers) await viewer.frame();
      clearInterval(timer);
      for (const bytes of [4, 70_000, 1_000_000]) {
        const sent = frameOf(bytes, bytes).fill(bytes % 251, 4);
        publisher.send(sent);
        for (const viewer of viewers) {
          let frame = await viewer.frame();
          while (frame.length === probe.length) frame = await viewer.frame();
          assertEquals(frame, sent);
        }
      }
    },
  });
}

const missing = await missingOf(VIEWERS);
Deno.test({
  name: missing === undefined
    ? "viewers in C tell of every frame that a relay delivers"
    : `viewers in C (skipped: ${missing})`,
  ignore: missing !== undefined,
  async fn() {
    await using relay = await startProgram(us(1, "node").line);
    for (const frameBytes of [100, 100_000]) {
      const figures = await measureAtLimit(relay, { viewers: 5, frameBytes, fps: 100 }, 1);
      const { share, framesPerSecond, delayP50Ms, delayP99Ms, delayMaxMs } = figures;
      assertEquals(figures.failedViewers, 0);
      // What was sent at the very end is not there yet.
      assert(share! > 0 && share! <= 1, `a share of ${share}`);
      assert(framesPerSecond! > 0, `${framesPerSecond} frames a second`);
      assert(0 < delayP50Ms! && delayP50Ms! <= delayP99Ms! && delayP99Ms! <= delayMaxMs!);
    }
  },
});
