// @ts-types="../../types/std_assert.d.ts"
import { assert } from "@std/assert";
import { nextTurn } from "../../src/host/next_turn.ts";
import { soon } from "../waiting.ts";

Deno.test("nextTurn leaves the event loop time to listen, however many turns follow one another", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  using client = await Deno.connect({ port: (listener.addr as Deno.NetAddr).port });
  using server = await accepted;
  let turns = 0;
  let isOver = false;
  const work = () => {
    turns++;
    for (const startMs = performance.now(); performance.now() - startMs < 3;);
    if (!isOver) nextTurn(work);
  };
  work();
  const bytes = new Uint8Array(1);
  for (let trip = 0; trip < 5; trip++) {
    for (const [from, to] of [[client, server], [server, client]] as const) {
      const read = to.read(bytes);
      await from.write(bytes);
      await soon("a byte", read);
    }
  }
  isOver = true;
  await new Promise<void>((resolve) => nextTurn(resolve));
  assert(turns < 150, `ten bytes took ${turns} turns`);
});
