// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { bytes, figures, lost, reasons, viewers } from "../../src/player/figures.ts";
import { commands } from "../../src/player/first_steps.ts";
import { readStatus, readStatuses } from "../../src/player/status.ts";
import { smallSize } from "../../src/player/thumbnail.ts";

/** A stream as the relay's API has it. */
function apiStream(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: "live",
    format: "mjpeg",
    codec: "jpeg",
    width: 1280,
    height: 720,
    pixelFormat: null,
    frameRate: null,
    fps: 30,
    publishing: true,
    viewers: 3,
    epoch: 1,
    queue: { frames: 0, bytes: 0 },
    received: { frames: 100, bytes: 5_000_000 },
    sent: { frames: 200, bytes: 10_000_000 },
    dropped: { queue_frames: 0, slow_viewer: 12, viewer_fps: 1500 },
    rate: { framesPerSecond: 29.96, bytesPerSecond: 250_000 },
    tick: { fired: 100, overruns: 0, lagMs: 0.2 },
    latency: { medianMs: 12.4, maxMs: 40.2, relayMedianMs: 1, relayMaxMs: 2 },
    arrival: { medianMs: 1.6, maxMs: 7 },
    ...fields,
  };
}

Deno.test("readStatus takes what the API says", () => {
  assertEquals(readStatus(apiStream()), {
    name: "live",
    format: "mjpeg",
    codec: "jpeg",
    pixelFormat: null,
    width: 1280,
    height: 720,
    fps: 30,
    isPublishing: true,
    viewers: 3,
    framesPerSecond: 29.96,
    bytesPerSecond: 250_000,
    queueFrames: 0,
    queueBytes: 0,
    sentBytes: 10_000_000,
    dropped: [["slow_viewer", 12], ["viewer_fps", 1500]],
    latencyMs: 12.4,
    latencyMaxMs: 40.2,
    sourceMs: 1.6,
  });
});

Deno.test("readStatus leaves out fields that are missing or of another kind", () => {
  const markup = "<img src=x onerror=alert(1)>";
  const strange = Object.fromEntries(Object.keys(apiStream()).map((key) => [key, markup]));
  for (const answer of [{ name: "live" }, { ...strange, name: "live", format: undefined }]) {
    const status = readStatus(answer)!;
    assertEquals(
      [status.fps, status.width, status.framesPerSecond, status.latencyMs],
      [undefined, undefined, undefined, undefined],
    );
    assertEquals([status.viewers, status.isPublishing, lost(status)], [0, false, 0]);
    assertEquals(figures(status, { viewersHere: 0 }), {
      kind: "No frame yet",
      fps: "– / –",
      bits: "–",
      viewers: "0",
      queue: "empty",
      latency: "–",
      dropped: "0",
      reasons: "",
    });
  }
  assertEquals(readStatus({ name: "a", viewers: NaN, rate: null, queue: [] })?.viewers, 0);
});

Deno.test("readStatuses takes each name once, and nothing that has none", () => {
  const answer = [{ name: "a" }, null, 7, {}, { name: "" }, { name: 3 }, { name: "a" }, {
    name: "b",
  }];
  assertEquals(readStatuses(answer)?.map(({ name }) => name), ["a", "b"]);
  for (const other of [null, {}, "streams", undefined]) {
    assertEquals(readStatuses(other), undefined);
  }
});

Deno.test("figures are short texts", () => {
  const status = readStatus(apiStream({ queue: { frames: 1234, bytes: 1_260_000 } }))!;
  assertEquals(figures(status, { viewersHere: 1 }), {
    kind: "JPEG · 1280×720",
    fps: "30.0 / 30",
    bits: "2.0 Mbit/s",
    viewers: "3 (1 here)",
    queue: "1,234 · 1.3 MB",
    latency: "12 / 40 ms",
    dropped: "12",
    reasons: "12 a viewer was behind · 1,500 a viewer asked for fewer",
  });
  const source = readStatus(
    apiStream({
      fps: "source",
      latency: { medianMs: 3.1, maxMs: 3.4 },
      format: "new",
      codec: "c1",
      width: null,
    }),
  )!;
  const { kind, fps, latency } = figures(source, { viewersHere: 0 });
  assertEquals([kind, fps, latency], ["new · c1", "30.0 / source", "3 ms"]);
});

Deno.test("figures tell of a source that is late, and of no other", () => {
  const kind = (medianMs: number) =>
    figures(readStatus(apiStream({ arrival: { medianMs, maxMs: 9999 } }))!, { viewersHere: 0 })
      .kind;
  assertEquals(kind(99.9), "JPEG · 1280×720");
  assertEquals(kind(340.2), "JPEG · 1280×720 · the source is 340 ms late");
  assertEquals(kind(12_340), "JPEG · 1280×720 · the source is 12.3 s late");
});

Deno.test("reasons keep the relay's word for one that is not known, and put wishes last", () => {
  assertEquals(
    reasons({ dropped: [["viewer_fps", 1], ["moon", 2], ["queue_bytes", 3]] }),
    "2 moon · 3 the queue was full in bytes · 1 a viewer asked for fewer",
  );
});

Deno.test("lost leaves out what nobody missed: what viewers did not want, and what was under way as they left", () => {
  const dropped: [string, number][] = [["disconnected", 3], ["viewer_fps", 2], ["memory", 1]];
  assertEquals(lost({ dropped }), 1);
  assertEquals(
    reasons({ dropped }),
    "1 memory was used up · 3 a viewer left · 2 a viewer asked for fewer",
  );
});

Deno.test("viewers tells how many this page is, unless the relay has not counted them yet", () => {
  assertEquals([viewers(0, 0), viewers(0, 1), viewers(1200, 20)], ["0", "0", "1,200 (20 here)"]);
});

Deno.test("bytes takes the next unit where a number would be rounded to 1000", () => {
  const values = [0, 999, 1000, 99_949, 99_950, 999_499, 999_500, 1e9, 2.5e12];
  assertEquals(
    values.map(bytes),
    ["0 B", "999 B", "1.0 kB", "99.9 kB", "100 kB", "999 kB", "1.0 MB", "1.0 GB", "2.5 TB"],
  );
});

Deno.test("commands name the relay that the page is from", () => {
  const lines = (base: string) => commands(new URL(base)).map(({ command }) => command);
  assertEquals(lines("http://127.0.0.1:8080/"), [
    "stream publish --test-pattern ws://127.0.0.1:8080/live",
    "ffmpeg -re -i video.mp4 -f mjpeg -q:v 3 - | stream publish ws://127.0.0.1:8080/live",
  ]);
  assertEquals(
    lines("https://example.org/relay/")[0],
    "stream publish --test-pattern wss://example.org/relay/live",
  );
});

Deno.test("smallSize keeps the shape, and what is small already", () => {
  assertEquals(smallSize(1920, 1080, 480), { width: 480, height: 270 });
  assertEquals(smallSize(1080, 1920, 480), { width: 270, height: 480 });
  assertEquals(smallSize(320, 240, 480), { width: 320, height: 240 });
  assertEquals(smallSize(10_000, 1, 480), { width: 480, height: 1 });
});
