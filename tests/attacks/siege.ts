/**
 * A relay in a process of its own, a witness, and an attack: what came of each.
 *
 * @module
 */
import type { ListenerKind } from "../../src/listen/listener.ts";
import { openFiles } from "../e2e/chaos.ts";
import { program, type RunningRelay, type StartOptions, startRelay } from "../program.ts";
import { eventually, PATIENCE_MS, soon } from "../waiting.ts";
import { Arena, type Attack, type Size } from "./attack.ts";
import { Stranger } from "./stranger.ts";
import { type Testimony, Witness, type WitnessOptions } from "./witness.ts";

/** How often memory and files are looked at, in milliseconds. */
const STEP_MS = 50;
/** Files that the relay may have more afterwards than before: connections that asked it, and a thread. */
const SPARE_FILES = 8;
/** MB that it may have more, of heaps that have grown and are not worth shrinking. */
const SPARE_MB = 150;

/** What the process of a relay has. */
export interface Holdings {
  readonly residentMB: number;
  readonly files: number;
}

/** What a process has at this moment (Linux). */
export function holdingsOf(pid: number): Holdings {
  const status = Deno.readTextFileSync(`/proc/${pid}/statm`);
  return { residentMB: Number(status.split(" ")[1]) * 4096 / 1e6, files: openFiles(pid) };
}

/** Looks at what a process has until it is disposed of. */
export class Watch implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;
  /** The most that was seen. */
  peak: Holdings;

  constructor(pid: number) {
    this.peak = holdingsOf(pid);
    this.#timer = setInterval(() => {
      try {
        const { residentMB, files } = holdingsOf(pid);
        this.peak = {
          residentMB: Math.max(this.peak.residentMB, residentMB),
          files: Math.max(this.peak.files, files),
        };
      } catch {
        // It has ended, which others tell.
      }
    }, STEP_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** How an attack is made. */
export interface SiegeOptions {
  readonly listener: ListenerKind;
  readonly workers: number;
  readonly size: Size;
  readonly witness?: WitnessOptions;
  /** How long memory and files may take to be back, in milliseconds. */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal;
}

/** What came of an attack. */
export interface Outcome {
  /** How it ended for the strangers. */
  readonly end: string;
  readonly witness: Testimony;
  readonly before: Holdings;
  readonly peak: Holdings;
  /** When the relay had let go of everything, or in the end where it had not. */
  readonly after: Holdings;
  /** How long after the attack that was, in milliseconds; `undefined` if it never was. */
  readonly backMs: number | undefined;
  /** How long the relay took to end when asked to, in milliseconds. */
  readonly stopMs: number;
  /** How it ended. */
  readonly code: number;
  /** What it said. */
  readonly log: string;
}

/** Whether a relay answers, by a connection that is closed behind it. */
export async function answers(host: string): Promise<boolean> {
  try {
    using stranger = await Stranger.open(host);
    await stranger.ask("/health", { lines: ["Connection: close"] });
    return await soon("an answer", stranger.status(), 5000) === 200;
  } catch {
    // No room, or no answer in time: asked again.
    return false;
  }
}

/** Starts a relay for an attack. */
export async function besieged(
  attack: Pick<Attack, "serve" | "files">,
  options: Pick<SiegeOptions, "listener" | "workers" | "size"> & Pick<StartOptions, "hangsMs">,
): Promise<RunningRelay> {
  const { listener, workers, size } = options;
  const hangs = options.hangsMs === undefined ? {} : { hangsMs: options.hangsMs };
  const args = [
    ...["--listener", listener, "--workers", String(workers), "--fps", "source"],
    ...attack.serve?.(size.scale) ?? [],
  ];
  const files = attack.files?.(size.scale);
  if (files === undefined) return await startRelay(args, hangs);
  const limited = ["bash", "-c", `ulimit -n ${files}; exec "$0" "$@"`, ...program()];
  return await startRelay(args, { ...hangs, program: limited });
}

/** Makes an attack on a relay of its own. */
export async function siege(attack: Attack, options: SiegeOptions): Promise<Outcome> {
  const { listener, workers, size, patienceMs = PATIENCE_MS } = options;
  // Each thread has a heap of its own.
  const spareMB = (attack.spareMB ?? SPARE_MB) * workers;
  const relay = await besieged(attack, options);
  await using process = relay.process;
  const token = attack.token === undefined ? {} : { token: attack.token };
  using witness = await Witness.begin(relay.host, { ...token, ...options.witness });
  await eventually("an answer", () => answers(relay.host));
  const before = holdingsOf(process.pid);
  using watch = new Watch(process.pid);
  witness.mark();
  const signal = options.signal ?? new AbortController().signal;
  const arena = new Arena(relay.host, listener, size, signal);
  let end: string;
  try {
    end = await attack.run(arena);
  } finally {
    arena[Symbol.dispose]();
  }
  const goneMs = performance.now();
  const isBack = () => {
    const { residentMB, files } = holdingsOf(process.pid);
    return files <= before.files + SPARE_FILES && residentMB <= before.residentMB + spareMB;
  };
  const back = await eventually("an answer", () => answers(relay.host), patienceMs)
    .then(() => eventually("files and memory to be given back", isBack, patienceMs))
    .then(() => performance.now() - goneMs, () => undefined);
  const after = holdingsOf(process.pid);
  const testimony = await witness.end();
  const stopAtMs = performance.now();
  process.kill("SIGTERM");
  const { code, stderr: log } = await process.outcome;
  return {
    end,
    witness: testimony,
    before,
    peak: watch.peak,
    after,
    backMs: back,
    stopMs: performance.now() - stopAtMs,
    code,
    log,
  };
}
