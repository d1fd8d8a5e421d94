// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { LoadReport } from "../../src/bench/report.ts";
import { type Outcome, run, start, type StartOptions, startRelay } from "../program.ts";
import { assertFailed } from "./assert_failed.ts";
import { eventually } from "../waiting.ts";

/** A small load: 12 viewers, 2 kB × 50 fps for half a second. */
const SMALL = ["--viewers", "12", "--size", "2kB", "--fps", "50", "--duration", "500ms"];
const decoder = new TextDecoder();

/** The report of a run that ended well. */
function reportOf({ code, stdout, stderr }: Outcome): LoadReport {
  assertEquals(code, 0, stderr);
  return JSON.parse(decoder.decode(stdout));
}

/** Runs a small load to its end. */
async function bench(args: readonly string[], options?: StartOptions): Promise<LoadReport> {
  return reportOf(await run(["bench", "--json", ...SMALL, ...args], options));
}

/** What holds for every load of `reading` viewers, however slow the machine is. */
function assertSound(report: LoadReport, reading: number): void {
  const { published, delivered, delayMs, joinMs, tickJitterMs, windowBeganMs } = report;
  assertEquals([report.failed, report.frameBytes, report.fps], [0, 2000, 50]);
  assertEquals([report.seconds, report.windowEndedMs - windowBeganMs], [0.5, 500]);
  assert(published !== null && published > 0 && published <= 26, `${published} published`);
  assert(delivered.share! > 0 && delivered.share! <= 1, `a share of ${delivered.share}`);
  assertEquals(delivered.framesPerSecond, delivered.frames / 0.5);
  assertEquals(delivered.megabytesPerSecond, Math.round(delivered.frames * 4) / 1000);
  // Besides those of the window there may come what has waited in the relay, 5 s at most.
  const most = reading * (27 + 5 * 50);
  assert(delivered.frames > 0 && delivered.frames <= most, `${delivered.frames} frames`);
  for (const { p50, p99, max } of [delayMs!, joinMs, tickJitterMs]) {
    assert(p50! >= 0 && p50! <= p99! && p99! <= max!, `${p50}, ${p99}, ${max}`);
  }
  assert(report.bench.cpuSeconds > 0);
  assert(report.relayMemory!.peakBytes >= report.relayMemory!.residentBytes);
  assert(Object.values(report.dropped!).every((frames) => frames >= 0));
}

/** What did not come was dropped, as it can be where this machine stands still for a while. */
function assertToldLoss({ delivered, dropped }: LoadReport): void {
  const drops = Object.values(dropped!).reduce((sum, frames) => sum + frames, 0);
  assert(delivered.share === 1 || drops > 0, `a share of ${delivered.share}, nothing dropped`);
}

/** The names of all fields, and the types of their values. */
function shapeOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value === null ? null : typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, shapeOf(part)]));
}

const QUANTILES = { p50: "number", p99: "number", max: "number" };

Deno.test("stream bench --json has the documented shape, with a relay of its own", async () => {
  const report = await bench([]);
  assertSound(report, 12);
  assertMatch(report.url, /^ws:\/\/127\.0\.0\.1:\d+\/live$/);
  assertEquals([report.relay, report.protocol], ["own", "stream.v1"]);
  assertEquals([report.viewers, report.stalled, report.slow], [12, 0, 0]);
  assertToldLoss(report);
  const { dropped, ...shape } = shapeOf(report) as Record<string, unknown>;
  assertEquals(new Set(Object.values(dropped as Record<string, string>)), new Set(["number"]));
  assertEquals(shape, {
    url: "string",
    relay: "string",
    protocol: "string",
    viewers: "number",
    stalled: "number",
    slow: "number",
    failed: "number",
    frameBytes: "number",
    fps: "number",
    seconds: "number",
    windowBeganMs: "number",
    windowEndedMs: "number",
    published: "number",
    delivered: {
      frames: "number",
      framesPerSecond: "number",
      megabytesPerSecond: "number",
      share: "number",
    },
    delayMs: QUANTILES,
    joinMs: QUANTILES,
    tickJitterMs: QUANTILES,
    relayCpu: { seconds: "number", cores: "number", microsecondsPerFrame: "number" },
    relayMemory: { peakBytes: "number", residentBytes: "number" },
    bench: {
      cpuSeconds: "number",
      cores: "number",
      busiestThread: "number",
      isBottleneck: "boolean",
    },
  });
});

Deno.test("stream bench --bare loads without the protocol", async () => {
  const report = await bench(["--bare"]);
  assertSound(report, 12);
  assertEquals(report.protocol, "bare");
});

Deno.test("stream bench --workers shares the viewers out to threads", async () => {
  for (const workers of ["2", "5", "auto"]) {
    const report = await bench(["--workers", workers, "--stalled", "3", "--slow", "2"]);
    assertSound(report, 7);
    assertEquals([report.viewers, report.stalled, report.slow], [12, 3, 2]);
  }
});

Deno.test("stream bench counts what the relay drops for viewers that do not read", async () => {
  const report = await bench(["--stalled", "4"]);
  assertSound(report, 8);
  // The protocol lets 4 frames go to a viewer that confirms none, and one waits.
  assert(report.dropped!.slow_viewer! > 0 || report.published! <= 5, "by slow_viewer");
});

Deno.test("stream bench of viewers none of which reads has nothing to tell of them", async () => {
  const report = await bench(["--stalled", "12"]);
  assertEquals(report.delivered, {
    frames: 0,
    framesPerSecond: 0,
    megabytesPerSecond: 0,
    share: null,
  });
  const nothing = { p50: null, p99: null, max: null };
  assertEquals([report.delayMs, report.joinMs, report.tickJitterMs], [null, nothing, nothing]);
  assertEquals(report.relayCpu!.microsecondsPerFrame, null);
});

Deno.test("stream bench loads a relay that runs elsewhere, and leaves it as it was", async () => {
  await using relay = await startRelay(["--fps", "source"]);
  for (const args of [[], ["--bare"]]) {
    const report = await bench([relay.url("x"), ...args]);
    assertSound(report, 12);
    assertEquals([report.url, report.relay], [relay.url("x"), "elsewhere"]);
    assert(report.relayCpu!.seconds > 0, "by its metrics");
    const streams = await (await fetch(`${relay.http}/api/streams`)).json();
    assertEquals(streams.filter(({ publishing }: { publishing: boolean }) => publishing), []);
    await eventually(
      "the stream to go",
      async () => (await (await fetch(`${relay.http}/api/streams`)).json()).length === 0,
    );
  }
  // What others may watch is not loaded because a variable names it.
  const own = await bench([], { env: { STREAM_URL: relay.url("y") } });
  assertEquals(own.relay, "own");
});

Deno.test("stream bench --viewers-only takes the delay from what somebody else publishes", async () => {
  await using relay = await startRelay();
  await using _publish = start(["publish", relay.url(), "--test-pattern"]);
  await relay.until("live", ({ received }) => received.frames > 0);
  const report = await bench([relay.url(), "--viewers-only", "--slow", "1"]);
  assertEquals([report.published, report.delivered.share, report.failed], [null, null, 0]);
  assert(report.delivered.frames > 0);
  assert(report.delayMs!.p50! >= 0);
  const bare = await bench([relay.url(), "--viewers-only", "--bare"]);
  assert(bare.delivered.frames > 0);
  assertEquals([bare.published, bare.delivered.share, bare.delayMs], [null, null, null]);
});

Deno.test("stream bench prints a table for people, and how the viewers joined beside it", async () => {
  const { code, stdout, stderr } = await run(["bench", ...SMALL]);
  assertEquals(code, 0, stderr);
  assertStringIncludes(stderr, "12 of 12 viewers joined in ");
  const rows = decoder.decode(stdout).trimEnd().split("\n");
  assertEquals(rows.map((row) => row.split(/ {2,}/)[0]), [
    "relay",
    "viewers",
    "frames",
    "delivered",
    "delay",
    "join",
    "tick jitter",
    "dropped",
    "relay's CPU",
    "memory",
    "load's CPU",
  ]);
  assertMatch(rows[2]!, / 2 kB × 50 fps for 0\.5 s, \d+ published$/);
  assertMatch(rows[4]!, / median [\d.]+ ms, p99 [\d.]+ ms, max [\d.]+ ms$/);
});

Deno.test("stream bench --bare loads another server, about which nothing is known", async () => {
  const sockets = new Set<WebSocket>();
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => {
      if (request.headers.get("upgrade") !== "websocket") return new Response("", { status: 426 });
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onopen = () => sockets.add(socket);
      socket.onclose = () => sockets.delete(socket);
      socket.onmessage = ({ data }) => {
        for (const other of sockets) if (other.readyState === WebSocket.OPEN) other.send(data);
      };
      return response;
    },
  );
  const url = `ws://127.0.0.1:${server.addr.port}/any`;
  const report = await bench([url, "--bare"]);
  assert(report.delivered.frames > 0);
  assertEquals([report.relayCpu, report.relayMemory, report.dropped], [null, null, null]);
  const refused = await run(["bench", ...SMALL, "--viewers-only", url]);
  assertFailed(refused, 3, /does not speak stream\.v1; use --bare/);
});

Deno.test("stream bench --join-fps publishes at its own rate until all have joined", async () => {
  // The next frame but the first would be due in ten seconds.
  const report = await bench(["--join-fps", "0.1"]);
  assertSound(report, 12);
});

Deno.test("stream bench without a relay there cannot connect", async () => {
  const url = "ws://127.0.0.1:1/live";
  for (const args of [[], ["--bare"], ["--viewers-only"], ["--viewers-only", "--bare"]]) {
    const outcome = await run(["bench", ...SMALL, url, ...args]);
    assertFailed(
      outcome,
      3,
      /^error: Cannot connect to ws:\/\/127\.0\.0\.1:1\/live: nothing listens there/,
    );
  }
});

Deno.test("stream bench leaves a stream to the publisher that it has", async () => {
  await using relay = await startRelay();
  await using _publish = start(["publish", relay.url(), "--test-pattern"]);
  await relay.until("live", ({ publishing }) => publishing);
  const outcome = await run(["bench", ...SMALL, relay.url()]);
  assertFailed(outcome, 1, /already has a publisher; choose another name, or .* --viewers-only/);
  assertFailed(await run(["bench", ...SMALL, relay.url(), "--bare"]), 1, /already has a publisher/);
});

const LONG = ["bench", "--json", ...SMALL, "--duration", "10m"];

Deno.test("stream bench fails in one sentence when the relay dies in the middle", async () => {
  for (const args of [[], ["--bare"], ["--viewers-only"]]) {
    await using relay = await startRelay(["--fps", "source"]);
    await using publish = start(["publish", relay.url("y"), "--test-pattern"]);
    await relay.until("y", ({ received }) => received.frames > 0);
    const name = args[0] === "--viewers-only" ? "y" : "x";
    await using load = start([...LONG, relay.url(name), ...args]);
    await load.said(/12 of 12 viewers joined/);
    relay.process.kill("SIGKILL");
    const { code, stdout, stderr } = await load.outcome;
    assertEquals([code, stdout.length], [1, 0], stderr);
    assertMatch(stderr, /joined in .*\nerror: Cannot [^\n]+\n$/);
    publish.kill("SIGKILL");
  }
});

Deno.test("stream bench tells by SIGINT what it has measured so far", async () => {
  await using load = start(LONG);
  await load.said(/12 of 12 viewers joined/);
  load.kill("SIGINT");
  const report = reportOf(await load.outcome);
  assert(report.seconds < 600, `${report.seconds} s`);
  assertEquals(report.failed, 0);
  assert(report.joinMs.max! > 0);
});

Deno.test("stream bench ends by SIGINT while its viewers wait for a first frame", async () => {
  await using relay = await startRelay();
  await using load = start([...LONG, relay.url(), "--viewers-only"]);
  await relay.until("live", ({ viewers }) => viewers === 12);
  load.kill("SIGINT");
  const report = reportOf(await load.outcome);
  assertEquals([report.seconds, report.failed, report.delivered.frames], [0, 0, 0]);
});

Deno.test("stream bench counts the viewers that the relay does not take", async () => {
  await using relay = await startRelay(["--fps", "source", "--max-viewers", "5"]);
  const report = await bench([relay.url()]);
  assertEquals([report.viewers, report.failed], [12, 7]);
  assert(report.delivered.share! < 5.001 / 12, `a share of ${report.delivered.share}`);
});
