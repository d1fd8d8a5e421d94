/** A publisher whose clock is wrong: what viewers record of it is whole all the same. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes } from "@std/assert";
import { makeFolder } from "../cli/folder.ts";
import { needs, NO_FFMPEG } from "../ffmpeg.ts";
import { EVERY_FRAME, start, startRelay } from "../program.ts";
import { concat } from "../split/samples.ts";
import { thorough } from "../thorough.ts";
import { makeVideo } from "./videos.ts";

/** Debian's libfaketime, which tells a process another time. */
const LIBRARY = `/usr/lib/${
  Deno.build.arch === "x86_64" ? "x86_64" : "aarch64"
}-linux-gnu/faketime/libfaketimeMT.so.1`;

const MISSING = NO_FFMPEG ?? await missingFaketime();

const FRAMES = 200;
/** Short runs one after another of a publisher whose clock is wrong, and the frames of each. */
const RUNS = 3;
const RUN_FRAMES = 40;

/** A lot, little and nothing; `deno task test` leaves the others to `deno task test:all`. */
const FIRST = [-3600, 0.2, 0];

for (const skewS of [-3600, -3, -0.5, -0.2, 0, 0.2, 0.5, 3, 3600]) {
  const name = `stream watch records every frame of a publisher whose clock is ${skewS} s off`;
  Deno.test(
    FIRST.includes(skewS) ? needs(MISSING, name) : thorough(MISSING, name),
    async () => {
      await using folder = await makeFolder();
      await using relay = await startRelay(["--fps", "240"]);
      const input = await makeVideo({ format: "h264", frames: FRAMES, gop: FRAMES, size: "64x36" });
      const url = relay.url("live");
      const outputs = ["x.h264", "x.mkv"].map((name) =>
        start(["watch", url, ...EVERY_FRAME, "-o", name], { cwd: folder.path })
      );
      await using _stack = disposeAll(outputs);
      await relay.until("live", (status) => status.viewers === outputs.length);
      await using publish = start(["publish", url], { stdin: input, env: skewed(skewS) });
      assertEquals((await publish.outcome).code, 0, publish.stderr);
      for (const output of outputs) {
        const { code, stderr } = await output.outcome;
        assertEquals(code, 0, stderr);
        assertStringIncludes(stderr, `wrote ${FRAMES} frames`);
        assertStringIncludes(stderr, "0 skipped\n");
      }
      assertEquals(await Deno.readFile(`${folder.path}/x.h264`), input);
    },
  );
}

for (const skewS of [-3600, -3, -0.5, -0.2, 0.2, 0.5, 3, 3600]) {
  const name = `stream watch records ${RUNS} short runs of a publisher ${skewS} s off`;
  Deno.test(
    FIRST.includes(skewS) ? needs(MISSING, name) : thorough(MISSING, name),
    async () => {
      await using folder = await makeFolder();
      await using relay = await startRelay(["--fps", "240"]);
      const input = await makeVideo({ format: "h264", frames: RUN_FRAMES, gop: 20, size: "64x36" });
      const url = relay.url("live");
      const all = ["--follow", "--count", String(RUNS * RUN_FRAMES), ...EVERY_FRAME];
      const outputs = ["x.h264", "x.mkv"].map((name) =>
        start(["watch", url, ...all, "-o", name], { cwd: folder.path })
      );
      await using _stack = disposeAll(outputs);
      await relay.until("live", (status) => status.viewers === outputs.length);
      for (let run = 0; run < RUNS; run++) {
        await using publish = start(["publish", url], { stdin: input, env: skewed(skewS) });
        assertEquals((await publish.outcome).code, 0, publish.stderr);
      }
      for (const output of outputs) {
        const { code, stderr } = await output.outcome;
        assertEquals(code, 0, stderr);
        assertStringIncludes(stderr, `wrote ${RUNS * RUN_FRAMES} frames`);
        assertStringIncludes(stderr, "0 skipped\n");
      }
      const recorded = await Deno.readFile(`${folder.path}/x.h264`);
      assertEquals(recorded, concat(...Array.from({ length: RUNS }, () => input)));
    },
  );
}

/** The environment of a process whose clock is so many seconds ahead. */
function skewed(seconds: number): Record<string, string> {
  return {
    LD_PRELOAD: LIBRARY,
    FAKETIME: `${seconds < 0 ? "" : "+"}${seconds}s`,
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
}

function disposeAll(all: readonly AsyncDisposable[]): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      for (const one of all) await one[Symbol.asyncDispose]();
    },
  };
}

async function missingFaketime(): Promise<string | undefined> {
  try {
    await Deno.stat(LIBRARY);
    return undefined;
  } catch {
    return "libfaketime is not installed (Debian: faketime)";
  }
}
