/** How many bytes a second leave a relay, at real sockets. */
// @ts-types="../../types/std_assert.d.ts"
import { assert } from "@std/assert";
import { eventually } from "../waiting.ts";
import { Client, frameOf, startRelay, until } from "./fixture.ts";
import { samples } from "./metrics.ts";

const FRAME_BYTES = 5000;
const RATE = 20_000;
/** For how long a rate may be exceeded that was not used before, in seconds. */
const BURST_S = 0.25;
const DROPPED = 'stream_dropped_frames_total{stream="live",reason="rate"}';

/** Counts what comes until the connection ends. */
function counting(client: Client): { bytes: number; over: Promise<void> } {
  const count = { bytes: 0, over: Promise.resolve() };
  const read = async () => {
    for (;;) count.bytes += (await client.frame()).length;
  };
  // It is closed by the test.
  count.over = read().catch(() => {});
  return count;
}

for (
  const { viewers, ...limits } of [
    { viewers: 1, maxViewerRate: RATE },
    { viewers: 3, maxRate: RATE },
  ]
) {
  const [option] = Object.keys(limits);
  Deno.test(`serve sends ${viewers} viewers no more bytes a second than ${option} says, and goes on`, async () => {
    await using relay = await startRelay({ ...limits, fps: 100 });
    const watching: Client[] = [];
    for (let n = 0; n < viewers; n++) {
      watching.push(await Client.open(relay.url("/live?role=watch")));
    }
    await until(relay, (status) => status.viewers === viewers);
    const startMs = performance.now();
    const counts = watching.map(counting);
    await using sender = await Client.open(relay.url("/live?role=publish"));
    const sum = () => counts.reduce((total, { bytes }) => total + bytes, 0);
    let sent = 0;
    // Many more than a burst, so that what comes is what the rate lets through.
    await eventually("frames to be left out for the rate, and others to come to each", async () => {
      sender.send(frameOf(++sent, FRAME_BYTES));
      const dropped = (await samples(relay.address)).get(DROPPED) ?? 0;
      return dropped >= 50 && sum() > RATE && counts.every(({ bytes }) => bytes > 0);
    }, 60_000);
    const seconds = (performance.now() - startMs) / 1000;
    // Frames leave whole; each viewer may be given one before its part is known.
    const most = RATE * (seconds + BURST_S) + (viewers + 1) * FRAME_BYTES;
    assert(sum() <= most, `${sum()} bytes in ${seconds} s, at most ${most}`);
    for (const client of watching) await client[Symbol.asyncDispose]();
    for (const { over } of counts) await over;
  });
}
