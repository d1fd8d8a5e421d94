/**
 * A Python program that writes raw pictures, and another that reads them.
 *
 * @module
 */
import { programLine, startRelay } from "../../relay.ts";
import type { Result } from "../../table.ts";
import { Ledger } from "../ledger.ts";
import { Process } from "../process.ts";
import { describeRecovery, describeRun, type LiveRow } from "../row.ts";
import { placeOn, until } from "../run.ts";

const FPS = 30;
/** Frames from one stall to the next: enough time to be live again. */
const STALL_EVERY = 120;
const STALL_SECONDS = 0.3;
const FOLDER = new URL("..", import.meta.url).pathname;

/** The row. */
export const python: LiveRow = {
  name: "python",
  title: `raw 640x480 at 30 fps from Python, which stalls for ${STALL_SECONDS} s every ` +
    `${STALL_EVERY / FPS} s`,
  async measure({ seconds }) {
    // The last stall leaves time to be live again as well.
    const stalls = Math.max(1, Math.round(seconds * FPS / STALL_EVERY));
    const frames = STALL_EVERY * (stalls + 1) - 1;
    await using relay = await startRelay(["--fps", String(FPS)]);
    const place = placeOn(relay, "live");
    const watch = [...programLine(), "watch", "--output", "-", place.watchUrl];
    await using reader = new Process(["python3", `${FOLDER}reader.py`, ...watch], {
      stdout: "piped",
    });
    const read = new Response(reader.child.stdout).text();
    await until(place, ({ viewers }) => viewers > 0, reader);
    const pixels = ["--size", "640x480", "--pixel-format", "bgr24"];
    await using writer = new Process([
      ...["python3", `${FOLDER}producer.py`],
      ...[frames, FPS, STALL_EVERY, STALL_SECONDS].map(String),
      ...[...programLine(), "publish", ...pixels, place.publishUrl],
    ]);
    await writer.ended((frames / FPS + 30) * 1000);
    await reader.ended(20_000);
    const ran = { ...ledgerOf(await read, frames), format: "raw" as const };
    const results: Result[] = [{
      what: "all frames",
      target: "median ≤ 10, lost 0",
      measured: describeRun(ran),
    }];
    for (let stall = 1; stall <= stalls; stall++) {
      const dueMs = ran.startMs + (stall * STALL_EVERY - 1) * 1000 / FPS;
      results.push({
        what: `stall ${stall}`,
        target: "≤ 3 s",
        measured: describeRecovery(ran, dueMs + STALL_SECONDS * 1000),
      });
    }
    return results;
  },
};

/** What the reader printed; of frames that it has not, nothing but their numbers is known. */
function ledgerOf(text: string, frames: number): { ledger: Ledger; startMs: number } {
  const lines = text.trim().split("\n").map((line) => line.split(" ").map(Number));
  const ledger = new Ledger();
  for (let number = 1; number <= frames; number++) ledger.write(number, NaN, NaN);
  for (const [number, due, written, read] of lines) {
    ledger.write(number!, due! / 1000, written! / 1000);
    ledger.read(number!, read! / 1000);
  }
  const [first = NaN, firstDue = NaN] = lines[0] ?? [];
  return { ledger, startMs: firstDue / 1000 - (first - 1) * 1000 / FPS };
}
