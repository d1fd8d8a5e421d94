/** What real programs post. */
// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { ffmpeg, needs, NO_FFMPEG } from "../ffmpeg.ts";
import { EVERY_FRAME, run, startRelay } from "../program.ts";
import { Client } from "../server/fixture.ts";
import { jpeg } from "../split/samples.ts";
import { soon } from "../waiting.ts";

const PICTURE = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=25"];

/** What ffmpeg is told, by how the output is called. */
const OUTPUTS: readonly (readonly [string, readonly string[]])[] = [
  ["mjpeg", ["-f", "mjpeg"]],
  ["mpjpeg", ["-f", "mpjpeg"]],
  ["h264", ["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-f", "h264"]],
  ["hevc", [
    "-c:v",
    "libx265",
    "-preset",
    "ultrafast",
    "-x265-params",
    "log-level=none",
    "-f",
    "hevc",
  ]],
  ["ivf", ["-c:v", "libvpx", "-deadline", "realtime", "-f", "ivf"]],
  ["y4m", ["-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe"]],
  ["matroska", ["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-f", "matroska"]],
  ["webm", ["-c:v", "libvpx", "-deadline", "realtime", "-f", "webm"]],
  ["fragmented MP4", [
    ...["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-f", "mp4"],
    ...["-movflags", "frag_keyframe+empty_moov+default_base_moof"],
  ]],
  ["mpegts", ["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-f", "mpegts"]],
];

/** What viewers get of a stream until it has ended, as its publisher is run by `publish`. */
async function watched(publish: (relay: Awaited<ReturnType<typeof startRelay>>) => Promise<void>) {
  await using relay = await startRelay(["--fps", "source"]);
  const watching = run(["watch", "--output", "-", ...EVERY_FRAME, relay.url("cam")]);
  await relay.until("cam", ({ viewers }) => viewers === 1);
  await publish(relay);
  const { code, stdout, stderr } = await watching;
  assertEquals(code, 0, stderr);
  return stdout;
}

for (const [format, output] of OUTPUTS) {
  Deno.test({
    ...needs(NO_FFMPEG, `${format} that is posted comes as it does from publish`),
    async fn() {
      const bytes = await ffmpeg([...PICTURE, "-t", "2", ...output, "-"]);
      const posted = await watched(async (relay) => {
        const response = await fetch(`${relay.http}/cam`, {
          method: "POST",
          body: new Uint8Array(bytes),
        });
        assertEquals(response.status, 200, await response.text());
      });
      const published = await watched(async (relay) => {
        const { code, stderr } = await run(["publish", relay.url("cam")], {
          stdin: new Uint8Array(bytes),
        });
        assertEquals(code, 0, stderr);
      });
      assert(posted.byteLength > 1000);
      assertEquals(posted, published);
    },
  });
}

for (const [format, output] of OUTPUTS) {
  Deno.test({
    ...needs(NO_FFMPEG, `ffmpeg posts ${format}, is killed, and posts again, and viewers stay`),
    async fn() {
      await using relay = await startRelay(["--fps", "source"]);
      await using viewer = await Client.open(`${relay.url("cam")}?role=watch`);
      await relay.until("cam", ({ viewers }) => viewers === 1);
      const picture = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=50"];
      const begin = () =>
        new Deno.Command("ffmpeg", {
          args: [
            ...["-v", "error", "-nostdin", "-re", ...picture, ...output],
            ...["-flush_packets", "1", `${relay.http}/cam`],
          ],
          stdin: "null",
          stdout: "null",
          stderr: "null",
        }).spawn();
      let seen = 0;
      for (let run = 0; run < 2; run++) {
        const { received: before } = await relay.until("cam", ({ publishing }) => !publishing);
        const child = begin();
        try {
          await relay.until("cam", ({ received }) => received.frames >= before.frames + 10);
        } finally {
          child.kill("SIGKILL");
          await soon("the end of ffmpeg", child.status);
        }
        // Nothing is kept of what was posted last.
        const { sent } = await relay.until(
          "cam",
          ({ publishing, queue, sent }) => !publishing && queue.bytes === 0 && sent.frames > seen,
        );
        for (; seen < sent.frames; seen++) await viewer.frame();
      }
      await relay.until("cam", ({ viewers }) => viewers === 1);
    },
  });
}

Deno.test({
  name: "Whoever posts goes on where the relay stood still for longer than --stall-timeout",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using relay = await startRelay(["--fps", "source", "--stall-timeout", "1s"]);
    const image = jpeg();
    let isOver = false;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        if (isOver) controller.close();
        else controller.enqueue(image);
      },
    });
    const answer = fetch(`${relay.http}/cam`, { method: "POST", body });
    await relay.until("cam", ({ received }) => received.frames > 3);
    relay.process.kill("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, 3000));
    relay.process.kill("SIGCONT");
    const { received } = await relay.until("cam", ({ publishing }) => publishing);
    await relay.until("cam", ({ received: { frames } }) => frames > received.frames + 20);
    isOver = true;
    const response = await answer;
    assertEquals(response.status, 200, await response.text());
  },
});
