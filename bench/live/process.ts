/**
 * Processes that a benchmark starts, with what they say.
 *
 * @module
 */

/** How a process's ends are tied. */
export interface ProcessOptions {
  /** @default {"null"} */
  readonly stdin?: "piped" | "null";
  /** @default {"null"} */
  readonly stdout?: "piped" | "null";
}

/** Those that run: nobody else ends them where the benchmark is broken off. */
const running = new Set<Process>();

/** Ends all that run, at once. */
export function endAll(): void {
  for (const process of running) process.signal("SIGKILL");
}

/** A process and all that it starts. */
export class Process implements AsyncDisposable {
  /** What it has written to standard error so far. */
  said = "";
  readonly child: Deno.ChildProcess;
  readonly #collected: Promise<void>;

  constructor(line: readonly string[], options: ProcessOptions = {}) {
    const [command, ...args] = line;
    this.child = new Deno.Command(command!, {
      args,
      stdin: options.stdin ?? "null",
      stdout: options.stdout ?? "null",
      stderr: "piped",
      // A group of its own, so that all of a pipeline can be ended.
      detached: true,
    }).spawn();
    running.add(this);
    this.#collected = this.#collect();
  }

  /** Sends a signal to it and to all that it has started. */
  signal(signal: Deno.Signal): void {
    try {
      Deno.kill(-this.child.pid, signal);
    } catch {
      // It has ended.
    }
  }

  /** Waits until it has ended by itself, and ends it after so many milliseconds. */
  async ended(withinMs: number): Promise<void> {
    const timer = setTimeout(() => this.signal("SIGKILL"), withinMs);
    await this.child.status;
    await this.#collected;
    clearTimeout(timer);
    running.delete(this);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.ended(0);
  }

  async #collect(): Promise<void> {
    for await (const text of this.child.stderr.pipeThrough(new TextDecoderStream())) {
      this.said += text;
    }
  }
}

/** A command line that pipes the first command into the second. */
export function piped(first: readonly string[], second: readonly string[]): string[] {
  const script = `count=$1; shift; first=; while [ "$count" -gt 0 ]; do ` +
    `first="$first '$1'"; shift; count=$((count - 1)); done; eval "$first" | "$@"`;
  return ["sh", "-c", script, "sh", String(first.length), ...first, ...second];
}

/** Waits so many milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
