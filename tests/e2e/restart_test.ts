// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { jpegs, makeFolder } from "../cli/folder.ts";
import { EVERY_FRAME, start, startRelay } from "../program.ts";
import { concat, equal } from "../split/samples.ts";
import { silentPeer, silentReader } from "./raw_peer.ts";
import { makeVideo } from "./videos.ts";
import { soon } from "../waiting.ts";

Deno.test("A publisher that is killed and started again finds its viewers connected", async () => {
  await using folder = await makeFolder();
  await using relay = await startRelay(["--fps", "100"]);
  await using watch = start(["watch", relay.url(), ...EVERY_FRAME], { cwd: folder.path });
  await relay.watchedBy(watch);
  const frames = jpegs(6);
  await using first = start(["publish", relay.url()], { stdin: "piped" });
  await first.write(concat(...frames.slice(0, 3)));
  await relay.until("live", ({ sent }) => sent.frames === 3);
  first.kill("SIGKILL");
  await relay.until("live", ({ publishing }) => !publishing);
  await using second = start(["publish", relay.url()], { stdin: concat(...frames.slice(3)) });
  assertEquals((await second.outcome).code, 0);
  const { code, stderr } = await watch.outcome;
  assertEquals(code, 0, stderr);
  assert(!stderr.includes("lost the relay"), stderr);
  assertEquals(await folder.files("frames"), frames);
});

Deno.test("A relay that is killed and started again gets its publisher and viewer back", async () => {
  await using folder = await makeFolder();
  await using first = await startRelay(["--fps", "100"]);
  await using watch = start(["watch", first.url(), ...EVERY_FRAME], { cwd: folder.path });
  await first.watchedBy(watch);
  await using publish = start(["publish", first.url()], { stdin: "piped" });
  const frames = jpegs(6);
  await publish.write(concat(...frames.slice(0, 3)));
  await first.until("live", ({ sent }) => sent.frames === 3);
  first.process.kill("SIGKILL");
  await first.process.outcome;
  await Promise.all([watch.said(/lost the relay/), publish.said(/lost the relay/)]);
  const port = Number(first.host.split(":")[1]);
  await using second = await startRelay(["--fps", "100"], { port });
  await second.until("live", ({ viewers, publishing }) => viewers === 1 && publishing);
  await publish.write(concat(...frames.slice(3)));
  await publish.endInput();
  assertEquals((await publish.outcome).code, 0);
  const { code, stderr } = await watch.outcome;
  assertEquals(code, 0, stderr);
  const names = await folder.names("frames");
  assertEquals(names, names.map((_, index) => `${String(index + 1).padStart(6, "0")}.jpg`));
  const files = await folder.files("frames");
  assertEquals(files.slice(0, 3), frames.slice(0, 3));
  assertEquals(files.slice(3), frames.slice(3));
});

Deno.test("A relay that is killed in the middle of a GOP and started again costs a viewer no frame", async () => {
  await using folder = await makeFolder();
  await using first = await startRelay(["--fps", "100"]);
  // One key frame, at the very beginning.
  const video = await makeVideo({ format: "h264", frames: 200, gop: 250 });
  // Where an access unit begins: half a one would be sent as it is, once the pipe falls silent.
  const half = startCodeBehind(video, video.length >> 1);
  await using file = start(["watch", first.url(), "-o", "x.h264", ...EVERY_FRAME], {
    cwd: folder.path,
  });
  await using pipe = start(["watch", first.url(), "-o", "-", ...EVERY_FRAME]);
  await first.until("live", ({ viewers }) => viewers === 2);
  await using publish = start(["publish", first.url()], { stdin: "piped" });
  await publish.write(video.subarray(0, half));
  await first.until("live", ({ sent }) => sent.frames >= 2 * 50);
  first.process.kill("SIGKILL");
  await first.process.outcome;
  await Promise.all([file, pipe, publish].map((process) => process.said(/lost the relay/)));
  const port = Number(first.host.split(":")[1]);
  await using second = await startRelay(["--fps", "100"], { port });
  await second.until("live", ({ viewers, publishing }) => viewers === 2 && publishing);
  await publish.write(video.subarray(half));
  await publish.endInput();
  const outcome = await publish.outcome;
  assertEquals(outcome.code, 0, outcome.stderr);
  // What was sent again counts once.
  assertMatch(outcome.stderr, /published 200 frames, .* 0 dropped\n$/);
  for (const { code, stderr } of [await file.outcome, await pipe.outcome]) {
    assertEquals(code, 0, stderr);
  }
  assert(equal((await pipe.outcome).stdout, video));
  assert(equal(await Deno.readFile(`${folder.path}/x.h264`), video));
});

Deno.test("stream watch --follow waits for the next publisher, without it the end is the end", async () => {
  await using folder = await makeFolder();
  await using relay = await startRelay(["--fps", "100"]);
  await using follower = start(["watch", relay.url(), "--follow", "--count", "4", ...EVERY_FRAME], {
    cwd: folder.path,
  });
  await relay.watchedBy(follower);
  await using other = start(["watch", relay.url(), "-o", "-", ...EVERY_FRAME]);
  await relay.until("live", ({ viewers }) => viewers === 2);
  const frames = jpegs(4);
  for (const pair of [frames.slice(0, 2), frames.slice(2)]) {
    await using publish = start(["publish", relay.url()], { stdin: concat(...pair) });
    assertEquals((await publish.outcome).code, 0);
    assertEquals((await other.outcome).code, 0);
  }
  assertEquals((await follower.outcome).code, 0);
  assertEquals((await other.outcome).stdout, concat(...frames.slice(0, 2)));
  assertEquals(await folder.files("frames"), frames);
});

Deno.test("stream serve ends by SIGTERM although peers never answer, and tells the others 1001", async () => {
  await using relay = await startRelay();
  const peers = [
    await silentPeer(relay.host, "half a handshake"),
    await silentPeer(relay.host, "a handshake"),
    await silentPeer(relay.host, "a hello"),
  ];
  // Nothing is on its way to the relay when it goes, which would break the connection off.
  await using publish = start(["publish", relay.url()], { stdin: "piped" });
  await publish.write(concat(...jpegs(8)));
  await relay.until("live", ({ viewers, sent }) => viewers === 2 && sent.frames > 5);
  const codes = ["", "stream.v1"].map((protocol) => {
    const socket = new WebSocket(relay.url("other"), protocol === "" ? [] : [protocol]);
    socket.onopen = () =>
      protocol !== "" && socket.send('{"type":"hello","version":1,"role":"watch"}');
    return new Promise<number>((resolve) => socket.onclose = ({ code }) => resolve(code));
  });
  await relay.until("other", ({ viewers }) => viewers === 2);
  relay.process.kill("SIGTERM");
  assertEquals(await soon("the ends of the connections", Promise.all(codes)), [1001, 1001]);
  const { code, stderr } = await relay.process.outcome;
  assertEquals(code, 0, stderr);
  assert(stderr.endsWith("stopped\n"), stderr);
  await publish.said(/lost the relay: the relay is stopping/);
  publish.kill("SIGTERM");
  assertEquals((await publish.outcome).code, 0);
  for (const peer of peers) peer.close();
});

Deno.test("stream serve ends by SIGTERM although readers of pictures over HTTP take nothing", async () => {
  await using relay = await startRelay();
  const socket = new WebSocket(relay.url());
  // More than the system keeps for a connection.
  const picture = concat(...jpegs(1), new Uint8Array(15_000_000));
  socket.onopen = () => socket.send(picture);
  await relay.until("live", ({ sent }) => sent.frames === 1);
  const addresses = ["/live.mjpeg", "/live.jpg"];
  const readers = await Promise.all(addresses.map((path) => silentReader(relay.host, path)));
  relay.process.kill("SIGTERM");
  const { code, stderr } = await relay.process.outcome;
  assertEquals(code, 0, stderr);
  assert(stderr.endsWith("stopped\n"), stderr);
  for (const reader of readers) reader.close();
});

/** Where the next start code of four bytes begins, which is that of an access unit. */
function startCodeBehind(video: Uint8Array, offset: number): number {
  return video.findIndex((byte, at) =>
    at > offset && byte === 1 && video.subarray(at - 3, at).every((zero) => zero === 0)
  ) - 3;
}
