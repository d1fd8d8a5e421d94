// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes } from "@std/assert";
import { ASSETS } from "../../src/http/assets.ts";
import { start } from "../program.ts";
import { eventually } from "../waiting.ts";

Deno.test("stream demo names a page, which browsers get, and shows its pictures over HTTP", async () => {
  await using demo = start(["demo", "--port", "0"]);
  const page = (await demo.said(/open (http:\/\/\S+\/live) in a browser/))[1]!;
  const shown = await fetch(page, { headers: { accept: "text/html" } });
  assertEquals(await shown.text(), ASSETS.get("player.html")!.content);
  assertStringIncludes(shown.headers.get("content-type")!, "text/html");
  // Its frames are PNG images, and there may be none yet.
  const picture = await eventually("a picture", async () => {
    const answer = await fetch(`${page}.jpg`);
    if (answer.status !== 404) return answer;
    await answer.body?.cancel();
    return undefined;
  });
  assertEquals(new Uint8Array(await picture.arrayBuffer()).subarray(0, 2), Uint8Array.of(255, 216));
});
