// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { decode } from "fast-png";
import { jpegs, makeFolder } from "../cli/folder.ts";
import { readCounter } from "../picture/read_counter.ts";
import { EVERY_FRAME, run, start, startRelay } from "../program.ts";
import { concat } from "../split/samples.ts";
import { eventually, soon } from "../waiting.ts";
import { relayed } from "./relayed.ts";

Deno.test("stream watch --every 3 writes every third frame, from the first", async () => {
  await using folder = await makeFolder();
  await using relay = await startRelay(["--fps", "200"]);
  const frames = jpegs(10);
  await relayed(relay, { input: concat(...frames), watch: ["--every", "3"], cwd: folder.path });
  assertEquals(
    await folder.files("frames"),
    [0, 3, 6, 9].map((index) => frames[index]!),
  );
});

Deno.test("stream watch --count 4 ends after four frames", async () => {
  await using folder = await makeFolder();
  await using relay = await startRelay(["--fps", "200"]);
  const frames = jpegs(10);
  const { stderr } = await relayed(relay, {
    input: concat(...frames),
    watch: ["--count", "4"],
    cwd: folder.path,
  });
  assertMatch(stderr, /wrote 4 frames/);
  assertEquals(await folder.files("frames"), frames.slice(0, 4));
});

Deno.test("stream publish and watch count the same frames and bytes: the frames' own", async () => {
  await using relay = await startRelay(["--fps", "200"]);
  const url = relay.url();
  await using watch = start(["watch", url, "-o", "-", "--log", "json", ...EVERY_FRAME]);
  await relay.watchedBy(watch);
  const input = concat(...jpegs(7, 1000));
  const published = await run(["publish", url, "--log", "json"], { stdin: input });
  for (const { stderr } of [published, await watch.outcome]) {
    const { frames, bytes } = JSON.parse(stderr.trim().split("\n").at(-1)!);
    assertEquals([frames, bytes], [7, input.length]);
  }
});

Deno.test("stream watch --duration ends although no frame ever comes", async () => {
  await using relay = await startRelay();
  const { code, stderr } = await run(["watch", relay.url(), "-o", "-", "--duration", "50ms"]);
  assertEquals(code, 0, stderr);
  assertMatch(stderr, /^wrote no frame, 0 skipped\n$/);
});

Deno.test("stream watch --fps gets fewer frames, and the relay counts the others", async () => {
  await using folder = await makeFolder();
  await using relay = await startRelay(["--fps", "100"]);
  await using publish = start(["publish", relay.url()], { stdin: "piped" });
  await using watch = start(["watch", relay.url(), "--fps", "1"], { cwd: folder.path });
  await relay.watchedBy(watch);
  await publish.write(concat(...jpegs(30)));
  const { sent, dropped } = await relay.until("live", ({ tick }) => tick.fired === 30);
  assert(dropped.viewer_fps > 0);
  // Where the machine stands still for a while, some are lost to that.
  const lost = Object.values(dropped).reduce((sum, frames) => sum + frames, 0);
  assertEquals(sent.frames + lost, 30);
});

Deno.test("stream watch that comes late gets the last frame at once", async () => {
  await using folder = await makeFolder();
  await using relay = await startRelay();
  await using publish = start(["publish", relay.url()], { stdin: "piped" });
  const frames = jpegs(3);
  await publish.write(concat(...frames));
  await relay.until("live", ({ tick }) => tick.fired === 3);
  const { code } = await run(["watch", relay.url(), "--count", "1"], { cwd: folder.path });
  assertEquals(code, 0);
  assertEquals(await folder.files("frames"), [frames[2]!]);
});

Deno.test("stream watch writes one file whole, and nothing under its name before", async () => {
  await using folder = await makeFolder();
  await using relay = await startRelay(["--fps", "200"]);
  await using watch = start(["watch", relay.url(), "-o", "all.mjpeg", ...EVERY_FRAME], {
    cwd: folder.path,
  });
  await relay.watchedBy(watch);
  await using publish = start(["publish", relay.url()], { stdin: "piped" });
  const frames = jpegs(20);
  await publish.write(concat(...frames));
  await relay.until("live", ({ tick }) => tick.fired === 20);
  assert(!(await folder.names()).includes("all.mjpeg"));
  await publish.endInput();
  assertEquals((await watch.outcome).code, 0);
  assertEquals(await folder.names(), ["all.mjpeg"]);
  assertEquals(await folder.files(), [concat(...frames)]);
});

Deno.test("stream watch writes to a named pipe what its reader takes, and leaves the pipe", async () => {
  await using folder = await makeFolder();
  const pipe = `${folder.path}/pipe`;
  assertEquals((await new Deno.Command("mkfifo", { args: [pipe] }).output()).code, 0);
  await using relay = await startRelay(["--fps", "200"]);
  // An open pipe waits for its other end.
  const read = new Deno.Command("cat", { args: [pipe], stderr: "null" }).output();
  const frames = jpegs(10);
  await relayed(relay, { input: concat(...frames), watch: ["-o", pipe] });
  assertEquals((await read).stdout, concat(...frames));
  assertEquals(await folder.names(), ["pipe"]);
});

/** How long a command that is asked to end may take for it, in milliseconds. */
const END_MS = 5000;

for (const reader of ["has not come", "takes nothing"] as const) {
  const name = `stream watch ends when it is asked to, and the reader of its pipe ${reader}`;
  Deno.test({
    name,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using folder = await makeFolder();
      const pipe = `${folder.path}/pipe`;
      assertEquals((await new Deno.Command("mkfifo", { args: [pipe] }).output()).code, 0);
      await using relay = await startRelay(["--fps", "200"]);
      const isThere = reader === "takes nothing";
      // By reading and writing, it opens at once.
      using _reader = isThere ? await Deno.open(pipe, { read: true, write: true }) : undefined;
      await using watch = start(["watch", relay.url(), "-o", pipe]);
      if (isThere) {
        await relay.watchedBy(watch);
        const stdin = concat(...jpegs(20, 50_000));
        await using publish = start(["publish", relay.url()], { stdin });
        assertEquals((await publish.outcome).code, 0);
      }
      const where = isThere ? "pipe_write" : "wait_for_partner";
      await eventually("it to wait for the reader", () => waitsIn(watch.pid, where));
      watch.kill("SIGTERM");
      const { code, stderr } = await soon("its end", watch.outcome, END_MS);
      assertEquals(code, 0, stderr);
      assertMatch(
        stderr,
        isThere
          ? /^warn: nobody reads \S+pipe: its last frame is cut off\nwrote \d+ frames?, /m
          : /^wrote no frame: nobody reads \S+pipe\n$/,
      );
      assertEquals(await folder.names(), ["pipe"]);
    },
  });
}

Deno.test({
  name: "stream publish ends when it is asked to, and nobody writes to its pipe",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using folder = await makeFolder();
    const pipe = `${folder.path}/pipe`;
    assertEquals((await new Deno.Command("mkfifo", { args: [pipe] }).output()).code, 0);
    await using relay = await startRelay();
    await using publish = start(["publish", relay.url(), "--input", pipe]);
    await eventually("it to wait", () => waitsIn(publish.pid, "wait_for_partner"));
    publish.kill("SIGTERM");
    const { code, stderr } = await soon("its end", publish.outcome, END_MS);
    assertEquals(code, 0, stderr);
    assertMatch(stderr, /^published no frame: nothing can be read of \S+pipe yet\n$/);
  },
});

/** Whether a thread of a process stands still in this function of the kernel (Linux). */
function waitsIn(pid: number, where: string): boolean {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].some(({ name }) => {
    const at = Deno.readTextFileSync(`/proc/${pid}/task/${name}/wchan`);
    return at.includes(where);
  });
}

Deno.test("stream watch -o /dev/null takes every frame and needs no --overwrite", async () => {
  await using relay = await startRelay(["--fps", "200"]);
  const { stderr } = await relayed(relay, {
    input: concat(...jpegs(3)),
    watch: ["-o", "/dev/null"],
  });
  assertMatch(stderr, /wrote 3 frames, \S+ \S+ to \/dev\/null/);
});

for (const format of ["png", "raw"] as const) {
  Deno.test(`stream publish --test-pattern as ${format} shows a counter that grows`, async () => {
    await using folder = await makeFolder();
    await using relay = await startRelay(["--fps", "50"]);
    await using watch = start(["watch", relay.url(), "-o", "%d.png", "--count", "5"], {
      cwd: folder.path,
    });
    await relay.watchedBy(watch);
    await using _publish = start([
      ...["publish", relay.url(), "--test-pattern", "320x240", "--format", format],
    ]);
    assertEquals((await watch.outcome).code, 0);
    const counters = (await folder.files()).map((file) => {
      const { width, height, data } = decode(file);
      assertEquals([width, height], [320, 240]);
      return readCounter(data as Uint8Array, width, height);
    });
    assertEquals(counters.length, 5);
    assertEquals(counters[0], 1);
    for (const [index, counter] of counters.slice(1).entries()) {
      assert(counter! > counters[index]!, String(counters));
    }
  });
}
