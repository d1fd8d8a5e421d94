/**
 * Viewers that never read beside viewers that do: 100 kB × 30 fps, for a minute or as many seconds
 * as the argument says.
 *
 * @module
 */
import { numberOf, pacedFrames, publish, watch } from "./clients.ts";
import { openRaw } from "./raw_viewer.ts";
import { startRelay, usageOf } from "./relay.ts";
import { printResults } from "./table.ts";

const READERS = 50;
const STALLED = 50;
const FPS = 30;

/** Measures and prints. */
export async function benchStalled(seconds: number): Promise<void> {
  await using relay = await startRelay(["--fps", String(FPS)]);
  const frames = seconds * FPS;
  const stalled: Deno.Conn[] = [];
  for (let index = 0; index < STALLED; index++) {
    stalled.push(await openRaw(relay.http, index % 2 > 0));
  }
  const lost: number[] = [];
  const reading = Array.from({ length: READERS }, async () => {
    let received = 0;
    let isInOrder = true;
    await watch(relay.url, null, (data) => isInOrder &&= numberOf(data) === received++);
    lost.push(isInOrder ? frames - received : NaN);
  });
  const memory: number[] = [];
  const timer = setInterval(async () => {
    memory.push((await usageOf(relay.pid)).residentBytes / 1e6);
  }, 1000);
  await publish(relay.url, pacedFrames({ frames, bytes: 100_000, fps: FPS }));
  await Promise.all(reading);
  clearInterval(timer);
  const { cpuSeconds } = await usageOf(relay.pid);
  for (const connection of stalled) connection.close();
  const early = Math.max(...memory.slice(0, Math.ceil(memory.length / 4)));
  const late = Math.max(...memory.slice(-Math.ceil(memory.length / 4)));
  printResults(`${READERS} viewers read, ${STALLED} never do: 100 kB × 30 fps, ${seconds} s`, [
    {
      what: "frames lost by the readers, of all that they should get",
      target: "0",
      measured: `${lost.reduce((sum, count) => sum + count, 0)} of ${frames * READERS}`,
    },
    {
      what: "relay's memory: highest in the first and the last quarter",
      target: "flat",
      measured: `${early.toFixed(0)} MB, ${late.toFixed(0)} MB`,
    },
    {
      what: "relay's CPU for a frame to a reader",
      target: "-",
      measured: `${(cpuSeconds / (frames * READERS) * 1e6).toFixed(1)} µs`,
    },
  ]);
}

if (import.meta.main) await benchStalled(Number(Deno.args[0] ?? 60));
