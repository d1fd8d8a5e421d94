/** What `stream publish` says of a live source. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { type Running, start, startRelay } from "../program.ts";

const RAW = ["--size", "4x4", "--pixel-format", "rgb24"];

/** Writes a raw frame every `stepMs`, as a camera does, until it is disposed of. */
function camera(publish: Running, stepMs: number): AsyncDisposable {
  let isOn = true;
  const running = (async () => {
    try {
      while (isOn && !publish.isOver) {
        await publish.write(new Uint8Array(48));
        await new Promise((resolve) => setTimeout(resolve, stepMs));
      }
    } catch {
      // The program has ended with a frame on its way to it.
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      isOn = false;
      await running;
    },
  };
}

Deno.test("stream publish says once what slows a source down that is faster than the relay", async () => {
  await using relay = await startRelay(["--fps", "10"]);
  // Told rather than seen, as below.
  await using publish = start(["publish", relay.url(), ...RAW, "--no-live"], { stdin: "piped" });
  await relay.until("live", ({ publishing }) => publishing);
  await using _camera = camera(publish, 20);
  const [sentence] = await publish.said(/^warn: frames arrive faster.*\n/m);
  assertMatch(
    sentence,
    /^warn: frames arrive faster than the 10 a second that the relay sends, so the input waits; if it is live, use --on-full drop, or start the relay with --fps \d+ or "--fps source"\n$/,
  );
  const { received } = await relay.until("live", (status) => status.live === false);
  await relay.until("live", (status) => status.received.frames > received.frames + 5);
  publish.kill("SIGTERM");
  const { code, stderr } = await publish.outcome;
  assertEquals([code, stderr.split("frames arrive faster").length - 1], [0, 1], stderr);
});

Deno.test("stream publish and the relay see that a source is live", async () => {
  await using relay = await startRelay(["--fps", "30"]);
  await using publish = start(["publish", relay.url(), ...RAW], { stdin: "piped" });
  await using _camera = camera(publish, 40);
  await relay.until("live", (status) => status.live === true && status.received.frames > 30);
});

Deno.test("stream publish says while a live source is behind, and the relay catches up", async () => {
  await using relay = await startRelay(["--fps", "30"]);
  // Told rather than seen: a busy machine may make a camera look like a file.
  await using publish = start(["publish", relay.url(), ...RAW, "--live", "--log", "json"], {
    stdin: "piped",
  });
  await using _camera = camera(publish, 40);
  await relay.until("live", (status) => status.received.frames > 30);
  await publish.said(/"behindMs":0,/);
  relay.process.kill("SIGSTOP");
  await publish.said(/\d+\.\d s behind the source.*"behindMs":[1-9]/);
  relay.process.kill("SIGCONT");
  await publish.said(/"behindMs":[1-9].*\n(.*\n)*.*"behindMs":0,/);
  const status = await relay.until("live", (status) => status.queue.frames === 0);
  assertEquals([status.live, status.dropped.publisher], [true, 0]);
});
