/** A publisher whose clock is wrong: what viewers record of it is whole all the same. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes } from "@std/assert";
import { makeFolder } from "../cli/folder.ts";
import { needs, NO_FFMPEG } from "../ffmpeg.ts";
import { EVERY_FRAME, start, startRelay } from "../program.ts";
import { thorough } from "../thorough.ts";
import { makeVideo } from "./videos.ts";

/** Debian's libfaketime, which tells a process another time. */
const LIBRARY = `/usr/lib/${
  Deno.build.arch === "x86_64" ? "x86_64" : "aarch64"
}-linux-gnu/faketime/libfaketimeMT.so.1`;

const MISSING = NO_FFMPEG ?? await missingFaketime();

const FRAMES = 200;

/** The ends, and nothing; `deno task test` leaves what is between to `deno task test:all`. */
const FIRST = [-3600, 0, 3600];

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
      await using publish = start(["publish", url], {
        stdin: input,
        env: {
          LD_PRELOAD: LIBRARY,
          FAKETIME: `${skewS < 0 ? "" : "+"}${skewS}s`,
          FAKETIME_DONT_FAKE_MONOTONIC: "1",
        },
      });
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
