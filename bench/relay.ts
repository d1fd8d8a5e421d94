/**
 * A relay in a process of its own, for benchmarks.
 *
 * @module
 */

const ROOT = new URL("..", import.meta.url).pathname;

/** A relay that runs. */
export interface BenchRelay extends AsyncDisposable {
  /** The address of the stream `live`. */
  readonly url: string;
  /** The HTTP address. */
  readonly http: string;
  readonly pid: number;
}

/** The program's command line: the compiled executable where `STREAM_PROGRAM` names it. */
export function programLine(): string[] {
  const compiled = Deno.env.get("STREAM_PROGRAM");
  if (compiled !== undefined && compiled !== "") return [compiled];
  return [
    Deno.execPath(),
    "run",
    "--quiet",
    "--allow-net",
    "--allow-env=STREAM_*,DENO_USE_WRITEV,WS_NO_*,HOME,XDG_STATE_HOME,LOCALAPPDATA",
    "--allow-sys=hostname,networkInterfaces",
    "--allow-read",
    "--allow-write",
    `${ROOT}main.ts`,
  ];
}

/** Starts `stream serve` of a program on a free port. */
export function startRelay(
  args: readonly string[],
  program: readonly string[] = programLine(),
): Promise<BenchRelay> {
  return startProgram([...program, "serve", "--port", "0", ...args]);
}

/** Starts a relay of any make, which tells where it listens. */
export async function startProgram(line: readonly string[]): Promise<BenchRelay> {
  const [command, ...args] = line;
  const child = new Deno.Command(command!, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!/listening on \S+\s/.test(text)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the relay did not start: ${text}`);
    text += value;
  }
  const http = /listening on (\S+)/.exec(text)![1]!;
  return {
    http,
    url: `${http.replace("http", "ws")}/live`,
    pid: child.pid,
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill("SIGTERM");
      await reader.cancel();
      await child.status;
    },
  };
}

/** User and system time in seconds, and resident memory in bytes, of a process (Linux). */
export async function usageOf(pid: number): Promise<{ cpuSeconds: number; residentBytes: number }> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { cpuSeconds: ticks / 100, residentBytes: Number(fields[21]) * 4096 };
}

/** The value below which `share` of the numbers lie. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
