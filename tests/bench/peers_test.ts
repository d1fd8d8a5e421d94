/** The relays that this one is compared with do the job that is measured. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { BUN, DENO_BARE, DENO_NAIVE, missingOf, NODE_WS } from "../../bench/compare/contender.ts";
import { startProgram } from "../../bench/relay.ts";
import { Client, frameOf } from "../server/fixture.ts";

for (const contender of [NODE_WS, BUN, DENO_BARE, DENO_NAIVE]) {
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
      for (const bytes of [4, 70_000, 1_000_000]) {
        const frame = frameOf(bytes, bytes).fill(bytes % 251, 4);
        publisher.send(frame);
        for (const viewer of [one, other]) assertEquals(await viewer.frame(), frame);
      }
    },
  });
}
