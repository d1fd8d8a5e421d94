/**
 * The process as the commands see it: the only place that touches it.
 *
 * @module
 */
import { type Clock, systemClock } from "./clock.ts";

/** Rights that a process can have (https://docs.deno.com/runtime/fundamentals/security). */
export const RIGHTS = ["net", "read", "write", "env", "sys", "run", "ffi", "import"] as const;

/** One of them. */
export type Right = typeof RIGHTS[number];

/** What a command gets from the process that runs it. */
export interface Host {
  readonly clock: Clock;
  /** Aborted by SIGINT or SIGTERM: a clean stop is asked for. */
  readonly stop: AbortSignal;
  /** The value of an environment variable: `STREAM_…`, or one that names the state folder. */
  env(name: string): string | undefined;
  /** Standard input as it is read. */
  stdin(): ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Writes all of `bytes` to standard output. */
  writeStdout(bytes: Uint8Array): Promise<void>;
  /** Writes `text` to standard error; a standard error that is gone is ignored. */
  writeStderr(text: string): void;
  /** Width of the terminal in columns, as it is now; `undefined` where there is none. */
  columns?(): number | undefined;
  /** Has `listener` called on SIGHUP, which then does not end the process. Absent: there is none. */
  onHangup?(listener: () => void): void;
  /** Gives rights up for good: nothing that comes later, in whatever part, has them. */
  giveUp(rights: readonly Right[]): void;
  /** Which of the standard streams are a terminal. */
  readonly terminals: Readonly<Record<"stdin" | "stdout" | "stderr", boolean>>;
}

/**
 * Deno's server copies what it sends once less where this is set before its first WebSocket: a third
 * of the relay's CPU for frames of 100 kB (bench/stalled_bench.ts).
 */
const VECTORED_WRITES = "DENO_USE_WRITEV";

/** Just below the 32 MiB up to which the C library learns from what is freed, in bytes. */
const LARGEST_LESSON_BYTES = 32 * 1024 * 1024 - 65_536;

/**
 * Frees a large buffer that nobody has touched. The C library (glibc) from then on keeps up to twice
 * as much freed memory instead of giving it back to the system: else it gives back and fetches again
 * what each batch of frames needs, page by page, which is a quarter of the relay's CPU for frames of
 * 100 kB. See "Dynamic mmap threshold" in mallopt(3).
 */
function keepFreedMemory(): void {
  new ArrayBuffer(LARGEST_LESSON_BYTES).transfer(0);
}

/** The process that runs this program. */
export function processHost(): Host {
  const { state } = Deno.permissions.querySync({ name: "env", variable: VECTORED_WRITES });
  if (state === "granted") Deno.env.set(VECTORED_WRITES, "1");
  keepFreedMemory();
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    // Windows has no SIGTERM to listen to.
    if (Deno.build.os === "windows" && signal === "SIGTERM") continue;
    Deno.addSignalListener(signal, () => stop.abort(signal));
  }
  const encoder = new TextEncoder();
  return {
    clock: systemClock,
    stop: stop.signal,
    env: (name) => Deno.env.get(name),
    stdin: () => Deno.stdin.readable,
    writeStdout: (bytes) => writeAll(Deno.stdout, bytes),
    writeStderr: (text) => {
      try {
        writeAllSync(Deno.stderr, encoder.encode(text));
      } catch {
        // Nobody reads what is said any more; the work goes on.
      }
    },
    columns: () => {
      try {
        // A terminal that nobody has given a size has 0.
        return Deno.consoleSize().columns || undefined;
      } catch {
        return undefined;
      }
    },
    ...(Deno.build.os === "windows" ? {} : {
      onHangup: (listener: () => void) => Deno.addSignalListener("SIGHUP", listener),
    }),
    giveUp: (rights) => {
      for (const name of rights) Deno.permissions.revokeSync({ name });
    },
    terminals: {
      stdin: Deno.stdin.isTerminal(),
      stdout: Deno.stdout.isTerminal(),
      stderr: Deno.stderr.isTerminal(),
    },
  };
}

/** Whoever reads what is written has gone and wants no more: an end, no failure. */
export class ReaderGone extends Error {
  /** `what` is written to. */
  constructor(what: string, options?: ErrorOptions) {
    super(`the reader of ${what} has gone away`, options);
    this.name = "ReaderGone";
  }
}

/** Writes all of `bytes`, in as many parts as it takes. */
export async function writeAll(
  writer: { write(bytes: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  for (let start = 0; start < bytes.length;) start += await writer.write(bytes.subarray(start));
}

function writeAllSync(writer: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let start = 0; start < bytes.length;) start += writer.writeSync(bytes.subarray(start));
}
