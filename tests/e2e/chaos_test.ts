/** Publishers and viewers that come and go as they please. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { needs, NO_FFMPEG } from "../ffmpeg.ts";
import { startRelay } from "../program.ts";
import { chaosRuns, judge, openFiles, runChaos, untilIdle } from "./chaos.ts";

Deno.test(
  needs(NO_FFMPEG, "Twenty viewers at random and seven publishers never see a spoiled picture"),
  async () => {
    await using relay = await startRelay(["--fps", "200"]);
    // The first request leaves a connection behind, which later ones go over.
    await (await fetch(`${relay.http}/health`)).body?.cancel();
    const files = openFiles(relay.process.pid);
    const runs = chaosRuns(7);
    const result = await runChaos(relay, { seed: 1, viewers: 20, runs, frames: 180 });
    const { skips, frames, ...faults } = await judge(result);
    assertEquals(faults, { headless: 0, spoiled: 0, blank: 0, complaints: "" });
    const { connections, stalls } = result;
    const done = `${connections.length} connections, ${stalls} stalls, ${skips} skips`;
    assert(connections.length > 40 && stalls > 20 && skips > 20 && frames > 5000, done);
    const metrics = await untilIdle(relay, files);
    assertMatch(metrics, /^stream_cached_bytes 0$/m);
    assertMatch(metrics, /^stream_under_way_bytes 0$/m);
  },
);
