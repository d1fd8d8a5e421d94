// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { EVERY_FRAME, type Outcome, program, run, start, startRelay } from "../program.ts";
import { concat } from "../split/samples.ts";
import { assertFailed } from "./assert_failed.ts";
import { jpegs, makeFolder } from "./folder.ts";
import { runHere } from "./run_here.ts";

const NOBODY = "ws://127.0.0.1:1/live";

/** The program with its standard output going to /dev/full. */
function toFullDisk(): readonly string[] {
  return ["/bin/sh", "-c", 'exec "$0" "$@" >/dev/full', ...program()];
}

/** Publishes `frames` while `stream watch` with `args` watches in `cwd`. */
async function watchFrames(
  args: readonly string[],
  { frames = jpegs(3), cwd = ".", program: start_ }: {
    frames?: readonly Uint8Array[];
    cwd?: string;
    program?: readonly string[];
  } = {},
): Promise<Outcome> {
  await using relay = await startRelay();
  await using watch = start(["watch", relay.url(), ...EVERY_FRAME, ...args], {
    cwd,
    ...(start_ === undefined ? {} : { program: start_ }),
  });
  await relay.watchedBy(watch);
  const { code, stderr } = await run(["publish", relay.url()], { stdin: concat(...frames) });
  assertEquals(code, 0, stderr);
  return await watch.outcome;
}

Deno.test("stream watch never touches a file that is there", async () => {
  await using folder = await makeFolder();
  await Deno.writeTextFile(`${folder.path}/all.mjpeg`, "mine");
  const outcome = await run(["watch", NOBODY, "-o", "all.mjpeg"], { cwd: folder.path });
  assertFailed(outcome, 1, /Cannot write all\.mjpeg: it already exists; .*--overwrite/);
  assertEquals(await Deno.readTextFile(`${folder.path}/all.mjpeg`), "mine");
  assertEquals(await folder.names(), ["all.mjpeg"], "nothing is left behind");
});

for (const [output, name] of [["%d.jpg", "2.jpg"], [".", "000002.jpg"]] as const) {
  Deno.test(`stream watch -o ${output} writes files up to one that is there`, async () => {
    await using folder = await makeFolder();
    await Deno.writeTextFile(`${folder.path}/${name}`, "mine");
    const outcome = await watchFrames(["-o", output], { cwd: folder.path });
    assertFailed(outcome, 1, RegExp(`Cannot write \\S*${name}: it already exists; .*--overwrite`));
    assertEquals(await folder.names(), [name.replace("2", "1"), name], "nothing is left behind");
    assertEquals(await Deno.readTextFile(`${folder.path}/${name}`), "mine");
  });
}

for (const output of ["all.mjpeg", "%d.jpg", "./"]) {
  Deno.test(`stream watch -o ${output} --overwrite replaces files that are there`, async () => {
    await using folder = await makeFolder();
    const frames = jpegs(2);
    const names = { "all.mjpeg": ["all.mjpeg"], "%d.jpg": ["1.jpg", "2.jpg"] }[output] ??
      ["000001.jpg", "000002.jpg"];
    for (const name of names) {
      await Deno.writeTextFile(`${folder.path}/${name}`, "old ".repeat(999));
    }
    const { code, stderr } = await watchFrames(["-o", output, "--overwrite"], {
      cwd: folder.path,
      frames,
    });
    assertEquals(code, 0, stderr);
    assertEquals(await folder.names(), names);
    assertEquals(concat(...await folder.files()), concat(...frames));
  });
}

Deno.test("stream watch says that the disk is full", async () => {
  const outcome = await watchFrames(["-o", "-"], { program: toFullDisk() });
  assertFailed(outcome, 1, /standard output: the disk is full/);
});

Deno.test("stream help and list say that standard output is full", async () => {
  await using relay = await startRelay();
  for (const args of [["help"], ["list", relay.url()], ["--version"]]) {
    assertFailed(
      await run(args, { program: toFullDisk() }),
      1,
      /standard output: the disk is full/,
    );
  }
});

Deno.test("stream watch ends cleanly and says so where the reader of its output goes away", async () => {
  await using relay = await startRelay(["--fps", "200"]);
  await using watch = start(["watch", relay.url(), "-o", "-"], { stdout: "piped" });
  await relay.watchedBy(watch);
  await using publish = start(["publish", relay.url()], { stdin: "piped" });
  await publish.write(concat(...jpegs(2, 20_000)));
  const reader = watch.stdout.getReader();
  await reader.read();
  await reader.cancel();
  // The second frame may have left before the reader did; what follows finds nobody.
  await publish.write(concat(...jpegs(20, 20_000)));
  const { code, stderr } = await watch.outcome;
  assertEquals(code, 0, stderr);
  assertMatch(
    stderr,
    /^wrote (no frame|\d+ frames?, .* to standard output), \d+ skipped; the reader of standard output has gone away\n$/,
  );
  await publish.endInput();
  assertEquals((await publish.outcome).code, 0, "the publisher does not notice");
});

Deno.test("stream watch says what is wrong with the place for its files", async () => {
  await using folder = await makeFolder();
  await Deno.writeTextFile(`${folder.path}/file`, "");
  const { path: cwd } = folder;
  for (const output of ["file/frames/", "file/%d.jpg", "file/all.mjpeg"]) {
    const outcome = await watchFrames(["-o", output], { cwd });
    assertFailed(outcome, 1, /Cannot write file.*: part of the path is a file/);
  }
  assertEquals(await folder.names(), ["file"]);
  // Nobody may write there, root included; Deno gives devices to nobody.
  for (const output of ["/proc/frames/", "/proc/%d.jpg", "/proc/all.mjpeg", "/dev/full"]) {
    const outcome = await watchFrames(["-o", output], { cwd });
    assertFailed(
      outcome,
      1,
      RegExp(`Cannot write ${output.slice(0, 6)}.*write to standard output instead`),
    );
  }
});

for (
  const [pattern, why] of [
    ["%s.jpg", /"%s" is not a number/],
    ["%d-%d.jpg", /more than one number/],
    ["%99d.jpg", /more than 20 digits/],
    ["%-3d.jpg", /is not a number/],
    ["100%", /is not a number/],
  ] as const
) {
  Deno.test(`stream watch -o ${pattern} is a usage error`, async () => {
    const outcome = await runHere(["watch", NOBODY, "-o", pattern]);
    const sentence = assertFailed(outcome, 2, why);
    assertMatch(sentence, /a pattern looks like frames\/%06d\.jpg/);
  });
}

Deno.test("stream watch says which name fits the stream's format", async () => {
  await using folder = await makeFolder();
  const outcome = await watchFrames(["-o", "%d.png"], { cwd: folder.path });
  assertFailed(outcome, 2, /1\.png: the stream's format is mjpeg; use a name that ends in \.jpg/);
  assertEquals(await folder.names(), []);
});
