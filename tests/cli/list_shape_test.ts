// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { box, movieOf, plainShots } from "../media/movies.ts";
import { EVERY_FRAME, run, start, startRelay } from "../program.ts";
import { makeFolder } from "./folder.ts";

async function printed(...args: string[]): Promise<string> {
  return new TextDecoder().decode((await run(args)).stdout);
}

Deno.test("stream list and the API tell how a film is stretched, and nothing of one that is plain", async () => {
  await using folder = await makeFolder();
  await using relay = await startRelay();
  const pasp = box("pasp", Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 3));
  for (
    const [name, inEntry, size, shape] of [
      ["wide", [pasp], / 160x128, shown as 213x128 {2}/, [213, 128]],
      ["plain", [], / 160x128 {2}/, [undefined, undefined]],
    ] as const
  ) {
    const runs = [plainShots(10, [10, 8])];
    await Deno.writeFile(`${folder.path}/${name}.mp4`, movieOf({ runs, inEntry }));
    const url = relay.url(name);
    const args = ["watch", url, "-o", `${name}.h264`, "--follow", ...EVERY_FRAME];
    await using watch = start(args, { cwd: folder.path });
    await relay.watchedBy(watch, name);
    const { code, stderr } = await run(["publish", url, "--input", `${folder.path}/${name}.mp4`]);
    assertEquals(code, 0, stderr);
    assertMatch(await printed("list", url), size);
    const [{ displayWidth, displayHeight, rotation }] = JSON.parse(
      await printed("list", url, "--json"),
    );
    assertEquals([displayWidth, displayHeight], shape);
    assertEquals(rotation, undefined);
    watch.kill("SIGTERM");
    await watch.outcome;
  }
});
