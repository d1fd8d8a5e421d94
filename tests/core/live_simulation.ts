/**
 * A live source, its pipe, its publisher and a relay in simulated time: where frames wait, and for
 * how long, from the moment at which the source has them.
 */
import type { FrameInput } from "../../src/core/numbering.ts";
import type { Stream } from "../../src/core/stream.ts";
import { feed, input } from "./samples.ts";

/** A time in which somebody is stopped, in milliseconds. */
export interface Pause {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What is simulated. */
export interface LiveOptions {
  readonly stream: Stream;
  /** When the source has each frame; it keeps what the publisher does not read. */
  readonly madeMs: readonly number[];
  /** Makes a frame. @default a picture of 10 bytes */
  readonly frame?: (index: number) => FrameInput;
  readonly onFull?: "wait" | "drop";
  /** What the publisher's user says of its source. @default {null} */
  readonly live?: boolean | null;
  /** Time from the publisher to the relay, and back, in milliseconds. @default {0.1} */
  readonly wayMs?: number;
  readonly relayStops?: Pause;
  readonly publisherStops?: Pause;
  /** Nothing passes between publisher and relay. */
  readonly networkStops?: Pause;
}

/** A frame that has left the relay. */
export interface Left {
  /** Number of the frame, from 0. */
  readonly index: number;
  readonly madeMs: number;
  readonly leftMs: number;
  readonly delayMs: number;
}

/** Runs it until everything has left. */
export function runLive(options: LiveOptions): Left[] {
  return new LiveRun(options).run();
}

class LiveRun {
  readonly #options: LiveOptions;
  readonly #events: { atMs: number; run: () => void }[] = [];
  readonly #left: Left[] = [];
  /** Index of each frame that the relay has, by sequence. */
  readonly #indices: number[] = [];
  #nowMs = 0;
  #next = 0;
  #made = 0;
  #isHeld = false;
  #received = { frames: 0, bytes: 0 };
  #granted = 0;
  #credit = 0;
  #sent = 0;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  run(): Left[] {
    const { stream, madeMs, onFull = "wait", live = null, wayMs = 0.1 } = this.#options;
    stream.begin({ onFull, live }, 0);
    stream.setRoundTrip(2 * wayMs);
    stream.join(feed({ unsentBytes: () => 0, send: ({ sequence }) => this.#leave(sequence) }), 0);
    madeMs.forEach((atMs) =>
      this.#at(atMs, () => {
        this.#made++;
        this.#read();
      })
    );
    this.#grant();
    for (;;) {
      const eventMs = this.#events[0]?.atMs ?? Infinity;
      const tickMs = this.#running(stream.deadlineMs() ?? Infinity, this.#options.relayStops);
      if (eventMs === Infinity && tickMs === Infinity) return this.#left;
      this.#nowMs = Math.max(this.#nowMs, Math.min(eventMs, tickMs));
      if (eventMs <= tickMs) this.#events.shift()!.run();
      else {
        stream.advance(this.#nowMs);
        this.#grant();
      }
    }
  }

  /** The publisher reads what it has credit for. */
  #read(): void {
    const { publisherStops, frame = () => input(), onFull } = this.#options;
    const atMs = this.#running(this.#nowMs, publisherStops);
    if (atMs > this.#nowMs) return this.#at(atMs, () => this.#read());
    while (this.#next < this.#made) {
      if (this.#sent >= this.#credit) {
        this.#isHeld = true;
        // Nothing is read before the relay has answered.
        if (onFull !== "drop" || this.#credit === 0) return;
        this.#next++;
        continue;
      }
      const index = this.#next++;
      const sent = { ...frame(index), isHeld: this.#isHeld };
      this.#isHeld = false;
      this.#sent++;
      this.#at(this.#crossed(), () => this.#arrive(index, sent));
    }
    if (this.#sent >= this.#credit) this.#isHeld = true;
  }

  #arrive(index: number, frame: FrameInput): void {
    const { relayStops, stream } = this.#options;
    const atMs = this.#running(this.#nowMs, relayStops);
    if (atMs > this.#nowMs) return this.#at(atMs, () => this.#arrive(index, frame));
    this.#indices[stream.received.frames + 1] = index;
    this.#received.frames++;
    this.#received.bytes += frame.data.byteLength;
    stream.push(frame, this.#nowMs);
    this.#grant();
  }

  #grant(): void {
    const { frames } = this.#options.stream.credit(this.#received);
    if (frames <= this.#granted) return;
    this.#granted = frames;
    this.#at(this.#crossed(), () => {
      this.#credit = Math.max(this.#credit, frames);
      this.#read();
    });
  }

  #leave(sequence: number): void {
    const index = this.#indices[sequence]!;
    const madeMs = this.#options.madeMs[index]!;
    const leftMs = this.#nowMs;
    this.#left.push({ index, madeMs, leftMs, delayMs: leftMs - madeMs });
  }

  /** When what is sent now is at the other side. */
  #crossed(): number {
    const { wayMs = 0.1, networkStops } = this.#options;
    return this.#running(this.#nowMs, networkStops) + wayMs;
  }

  #running(atMs: number, pause: Pause | undefined): number {
    return pause !== undefined && atMs >= pause.fromMs && atMs < pause.toMs ? pause.toMs : atMs;
  }

  #at(atMs: number, run: () => void): void {
    let place = this.#events.length;
    while (place > 0 && this.#events[place - 1]!.atMs > atMs) place--;
    this.#events.splice(place, 0, { atMs, run });
  }
}

/** Instants at an even distance, each late by up to `jitterMs`, in order. */
export function made(
  options: { fps: number; seconds: number; jitterMs?: number; startMs?: number; seed?: number },
): number[] {
  const { fps, seconds, jitterMs = 0, startMs = 50, seed = 1 } = options;
  let state = seed;
  const random = () => (state = state * 48_271 % 2_147_483_647) / 2_147_483_647;
  return Array.from(
    { length: Math.round(fps * seconds) },
    (_, n) => startMs + n * 1000 / fps + (2 * random() - 1) * jitterMs,
  ).sort((a, b) => a - b);
}

/** The value below which `share` of the delays lie. */
export function quantile(left: readonly Left[], share: number): number {
  const sorted = left.map(({ delayMs }) => delayMs).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
