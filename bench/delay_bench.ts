/**
 * The delay that the relay adds: from the moment a publisher has a frame's last byte to the moment
 * a viewer has it, on one clock. Publisher and viewer are in this process; the relay is a process of
 * its own.
 *
 * Where `STREAM_BEFORE` names another executable, of an earlier state for example, the relays of both run
 * side by side and take turns, so that what else the machine does concerns them alike. A second relay of
 * the other one tells how far two of the same kind lie apart.
 *
 * @module
 */
import { numberOf, pacedFrames, publish, watch } from "./clients.ts";
import { type BenchRelay, programLine, quantile, startRelay } from "./relay.ts";
import { printResults, type Result } from "./table.ts";

const FRAMES = 300;
/** Turns of each relay, and frames of a turn, of which the first ones are not counted. */
const TURNS = 12;
const TURN_FRAMES = 60;
const FIRST_FRAMES = 5;

interface Case {
  readonly fps: string;
  readonly bytes: number;
  readonly target: string;
}

const CASES: readonly Case[] = [
  { fps: "source", bytes: 100_000, target: "under 2 ms" },
  { fps: "source", bytes: 20_000, target: "-" },
  { fps: "30", bytes: 100_000, target: "-" },
];

async function delaysOf(relay: BenchRelay, bytes: number, frames: number): Promise<number[]> {
  const source = pacedFrames({ frames, bytes, fps: 30 });
  const delays: number[] = [];
  await Promise.all([
    watch(relay.url, frames, (data, nowMs) => {
      delays.push(nowMs - source.sentMs[numberOf(data)]!);
    }),
    publish(relay.url, source),
  ]);
  return delays;
}

/** Measures relays of several programs in turns; returns the delays of each. */
async function inTurns(
  programs: readonly (readonly string[])[],
  { fps, bytes }: Case,
): Promise<number[][]> {
  await using relays = new AsyncDisposableStack();
  const each: { readonly relay: BenchRelay; readonly delays: number[] }[] = [];
  for (const program of programs) {
    each.push({ relay: relays.use(await startRelay(["--fps", fps], program)), delays: [] });
  }
  for (let turn = 0; turn < TURNS; turn++) {
    for (const { relay, delays } of turn % 2 === 0 ? each : each.toReversed()) {
      delays.push(...(await delaysOf(relay, bytes, TURN_FRAMES)).slice(FIRST_FRAMES));
    }
  }
  return each.map(({ delays }) => delays);
}

const what = ({ fps, bytes }: Case) => `--fps ${fps}, ${bytes / 1000} kB × 30 fps, 1 viewer`;
const milliseconds = (delays: readonly number[], share: number) =>
  `${quantile(delays, share).toFixed(2)} ms`;

async function measure(): Promise<void> {
  const results: Result[] = [];
  for (const each of CASES) {
    await using relay = await startRelay(["--fps", each.fps]);
    const delays = await delaysOf(relay, each.bytes, FRAMES);
    const [median, p99] = [0.5, 0.99].map((share) => milliseconds(delays, share));
    results.push({
      what: what(each),
      target: each.target,
      measured: `median ${median}, p99 ${p99}, ${delays.length} of ${FRAMES} frames`,
    });
  }
  printResults("delay added, publisher's last byte to viewer's", results);
}

async function compare(before: string): Promise<void> {
  const results: Result[] = [];
  for (const each of CASES) {
    const [now, ...others] = await inTurns([programLine(), [before], [before]], each);
    const medians = others.map((delays) => quantile(delays, 0.5));
    const mean = (medians[0]! + medians[1]!) / 2;
    const percent = (quantile(now!, 0.5) / mean - 1) * 100;
    results.push({
      what: what(each),
      target: "within 5 %",
      measured: `median ${milliseconds(now!, 0.5)}, before ` +
        `${medians.map((ms) => ms.toFixed(2)).join(" and ")} ms: ` +
        `${percent < 0 ? "" : "+"}${percent.toFixed(1)} %`,
    });
  }
  printResults("delay added, in turns with two relays of the other program", results);
}

/** Measures and prints. */
export async function benchDelay(): Promise<void> {
  const before = Deno.env.get("STREAM_BEFORE") ?? "";
  await (before === "" ? measure() : compare(before));
}

if (import.meta.main) await benchDelay();
