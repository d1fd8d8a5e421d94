/**
 * What an attack is, and where it takes place.
 *
 * @module
 */
import type { ListenerKind } from "../../src/listen/listener.ts";
import { Stranger } from "./stranger.ts";

/** How big an attack is: `small` for tests, `full` for the benchmark. */
export type Scale = "small" | "full";

/** What of an attack depends on its size. */
export interface Size {
  readonly scale: Scale;
  /** How long an attack that has no end of its own goes on, in milliseconds. */
  readonly holdMs: number;
}

/** An attack on a relay, by strangers on this machine. */
export interface Attack {
  /** One word, by which it is chosen. */
  readonly name: string;
  /** What the strangers do, for people. */
  readonly what: string;
  /** Options of `serve` beside the defaults. */
  readonly serve?: (scale: Scale) => readonly string[];
  /** By which the witness is let in, where not everybody is. */
  readonly token?: string;
  /** Files that the system lets the relay open, where that is less than usual. */
  readonly files?: (scale: Scale) => number;
  /** How it ends, as `run` says it: what the test expects of each listener. */
  readonly ends: Readonly<Record<"node", RegExp>> & Readonly<Partial<Record<"deno", RegExp>>>;
  /** Why it is not held on `deno`, where it is not, and how far it is bounded there. */
  readonly onDeno?: string;
  /** What the relay may take beside what it has at rest, in MB. @default {150} */
  readonly peakMB?: (scale: Scale) => number;
  /** MB that may stay when it is over, of heaps that grew. @default {150} */
  readonly spareMB?: number;
  readonly run: (arena: Arena) => Promise<string>;
}

/** Where an attack takes place: a relay, and strangers, who are gone when it is left. */
export class Arena implements Disposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly listener: ListenerKind;
  readonly size: Size;
  /** Aborts when the attack has to end early. */
  readonly signal: AbortSignal;
  readonly #strangers = new Set<Disposable>();

  constructor(host: string, listener: ListenerKind, size: Size, signal: AbortSignal) {
    this.host = host;
    this.listener = listener;
    this.size = size;
    this.signal = signal;
    signal.addEventListener("abort", () => this[Symbol.dispose](), { once: true });
  }

  /** The smaller number in a test, the larger one in the benchmark. */
  pick(small: number, full: number): number {
    return this.size.scale === "small" ? small : full;
  }

  /** Reasons for which the relay has refused anybody so far. */
  async refused(): Promise<string[]> {
    const response = await fetch(`http://${this.host}/metrics`);
    const counts = (await response.text()).matchAll(
      /^stream_refused_total\{reason="(\w+)"\} ([1-9]\d*)$/gm,
    );
    return [...counts].map(([, reason]) => reason!);
  }

  /** A connection, which is closed at the latest when the attack is over. */
  async stranger(): Promise<Stranger> {
    return this.keep(await Stranger.open(this.host));
  }

  /** Closes `what` at the latest when the attack is over. */
  keep<T extends Disposable>(what: T): T {
    if (this.signal.aborted) {
      what[Symbol.dispose]();
      throw this.signal.reason;
    }
    this.#strangers.add(what);
    return what;
  }

  /** Does `act` so often at once, `atOnce` of them at a time. */
  async each<T>(count: number, act: (index: number) => Promise<T>, atOnce = 100): Promise<T[]> {
    const results: T[] = [];
    let next = 0;
    const row = async () => {
      while (next < count && !this.signal.aborted) {
        const index = next++;
        results[index] = await act(index);
      }
    };
    await Promise.all(Array.from({ length: Math.min(count, atOnce) }, row));
    return results;
  }

  /** Does `act` again and again for as long as the attack holds on. @returns what each one gave */
  async again<T>(act: () => Promise<T>): Promise<T[]> {
    const results: T[] = [];
    const untilMs = performance.now() + this.size.holdMs;
    while (performance.now() < untilMs && !this.signal.aborted) results.push(await act());
    return results;
  }

  /** Waits for `promise`, and no longer than the attack holds on. */
  async within<T>(promise: Promise<T>, otherwise: T, ms = this.size.holdMs): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeUp = new Promise<T>((resolve) => {
      timer = setTimeout(resolve, ms, otherwise);
    });
    try {
      return await Promise.race([promise, timeUp]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Lets the attack hold on. */
  async hold(): Promise<void> {
    await this.within(new Promise(() => {}), undefined);
  }

  [Symbol.dispose](): void {
    for (const stranger of this.#strangers) stranger[Symbol.dispose]();
    this.#strangers.clear();
  }
}

/** `3 × 1009, 1 × cut`. */
export function tally(ends: readonly (string | number)[]): string {
  const counts = new Map<string, number>();
  for (const end of ends) counts.set(String(end), (counts.get(String(end)) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).map(([end, count]) => `${count} × ${end}`)
    .join(", ");
}
