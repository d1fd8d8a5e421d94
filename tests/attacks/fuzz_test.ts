/** Handshakes and frames at random, on a relay whose stream must notice nothing of them. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { needs } from "../ffmpeg.ts";
import { startRelay, testedListener, testedWorkers } from "../program.ts";
import { TESTS_ALL } from "../thorough.ts";
import { eventually } from "../waiting.ts";
import { fuzzCase } from "./fuzz.ts";
import { answers, holdingsOf } from "./siege.ts";
import { Stranger } from "./stranger.ts";
import { Witness } from "./witness.ts";

/** `FUZZ_SEED` tries the case of that seed, and as many after it as `FUZZ_CASES` says. */
const SEED = Number(Deno.env.get("FUZZ_SEED") ?? 1);
const CASES = Number(Deno.env.get("FUZZ_CASES") ?? (TESTS_ALL ? 10_000 : 300));
/** Cases at a time; a failure names their seeds. */
const BATCH = 50;
/** How long a case waits for what the relay has to say, in milliseconds. */
const WAIT_MS = 40;
const SPARE_FILES = 8;

const NOT_LINUX = Deno.build.os === "linux" ? undefined : "files are counted in /proc";

/** What comes within a moment, or before the end. */
async function listen(stranger: Stranger): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = new Promise<void>((resolve) => {
    timer = setTimeout(() => resolve(), WAIT_MS);
  });
  try {
    await Promise.race([stranger.read(), timeUp]);
  } finally {
    clearTimeout(timer);
  }
}

async function tryCase(host: string, seed: number): Promise<void> {
  const { handshake, frames } = fuzzCase(seed, host);
  using stranger = await Stranger.open(host);
  if (!await stranger.write(handshake)) return;
  await listen(stranger);
  for (const frame of frames) if (!await stranger.write(frame)) return;
  await listen(stranger);
}

Deno.test("fuzzCase makes the same of a seed each time, and something else of another", () => {
  assertEquals(fuzzCase(7, "a"), fuzzCase(7, "a"));
  assertNotEquals(fuzzCase(7, "a"), fuzzCase(8, "a"));
});

for (const listener of TESTS_ALL ? ["node", "deno"] as const : [testedListener() ?? "node"]) {
  const name =
    `serve --listener ${listener} takes ${CASES} random handshakes and frames from seed ${SEED} on`;
  Deno.test({
    ...needs(NOT_LINUX, name),
    async fn() {
      await using relay = await startRelay([
        ...["--listener", listener, "--workers", String(testedWorkers()), "--fps", "source"],
      ]);
      using witness = await Witness.begin(relay.host);
      await eventually("an answer", () => answers(relay.host));
      const before = holdingsOf(relay.process.pid);
      witness.mark();
      for (let at = SEED; at < SEED + CASES; at += BATCH) {
        const seeds = Array.from({ length: Math.min(BATCH, SEED + CASES - at) }, (_, n) => at + n);
        const where = `FUZZ_SEED=${at} FUZZ_CASES=${seeds.length}`;
        try {
          await Promise.all(seeds.map((seed) => tryCase(relay.host, seed)));
          await eventually("an answer", () => answers(relay.host), 30_000);
        } catch (cause) {
          throw new Error(`the relay did not outlive ${where}:\n${relay.process.stderr}`, {
            cause,
          });
        }
        const said = /^.*(?:\bbug\b|defect|uncaught|lost a thread|^ +at ).*$/im.exec(
          relay.process.stderr,
        );
        assert(said === null, `${where}: ${said?.[0]}`);
      }
      await eventually(
        "all files to be given back",
        () => holdingsOf(relay.process.pid).files <= before.files + SPARE_FILES,
      );
      const { lost, ended } = await witness.end();
      assertEquals([lost, ended], [0, null]);
      relay.process.kill("SIGTERM");
      assertEquals((await relay.process.outcome).code, 0);
    },
  });
}
