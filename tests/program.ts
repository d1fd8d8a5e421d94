/**
 * The program as a process: run from the sources with the permissions that the README names, or,
 * where `STREAM_PROGRAM` names one, as the compiled executable.
 *
 * @module
 */
import type { ListenerKind } from "../src/listen/listener.ts";
import type { StreamStatus } from "../src/wire/control_message.ts";
import { eventually } from "./waiting.ts";

/** The repository's root, with a slash at the end. */
export const ROOT: string = new URL("..", import.meta.url).pathname;

/** The permissions that every command can do its work with. */
export const PERMISSIONS: readonly string[] = [
  "--allow-net",
  "--allow-env=STREAM_*,DENO_USE_WRITEV,WS_NO_*,HOME,XDG_STATE_HOME,LOCALAPPDATA",
  "--allow-sys=hostname,networkInterfaces",
  "--allow-read",
  "--allow-write",
];

/** Threads that relays under test send from: 1 in `deno task test`, then 2 in `deno task test:all`. */
export function testedWorkers(): number {
  return Number(Deno.env.get("TEST_WORKERS") ?? 1);
}

/** What listens for relays under test, where `TEST_LISTENER` says it; else the relay's own default. */
export function testedListener(): ListenerKind | undefined {
  const asked = Deno.env.get("TEST_LISTENER");
  return asked === "node" || asked === "deno" ? asked : undefined;
}

/**
 * For `watch`: it skips nothing, also where the machine stands still for a while. But no source that
 * sends as fast as it may waits for a viewer that takes nothing for a second.
 */
export const EVERY_FRAME: readonly string[] = ["--max-delay", "30s"];

/** A process that runs for longer hangs, unless its test says otherwise. In milliseconds. */
const HANGS_MS = 180_000;

/** How a process is started. */
export interface StartOptions {
  /** The working folder. */
  readonly cwd?: string;
  /** Variables beside those of this process, of which the ones named `STREAM_…` are left out. */
  readonly env?: Record<string, string>;
  /** Whether `env` is all that there is. */
  readonly clearEnv?: boolean;
  /** The executable and its first arguments, instead of the program's sources. */
  readonly program?: readonly string[];
  /** What is written to standard input before it ends; `piped` leaves it open for `write`. */
  readonly stdin?: Uint8Array | "piped" | "none";
  /** `piped` leaves standard output to the caller, who reads or cancels it. */
  readonly stdout?: "collected" | "piped";
  /** The process is killed, and its test fails, after so many milliseconds. @default {180000} */
  readonly hangsMs?: number;
}

/** How a process ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

/** The command line of the program. */
export function program(): readonly string[] {
  const compiled = Deno.env.get("STREAM_PROGRAM");
  if (compiled !== undefined && compiled !== "") return [compiled];
  return [
    Deno.execPath(),
    "run",
    "--quiet",
    `--config=${ROOT}deno.json`,
    "--frozen",
    ...PERMISSIONS,
    `${ROOT}main.ts`,
  ];
}

/** A running process of the program. It is ended when it is disposed of. */
export class Running implements AsyncDisposable {
  /** What it has written to standard error so far. */
  stderr = "";
  /** How it ends. */
  readonly outcome: Promise<Outcome>;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array> | undefined;
  readonly #watchers = new Set<() => void>();
  #isOver = false;

  constructor(args: readonly string[], options: StartOptions = {}) {
    const [command, ...first] = options.program ?? program();
    const { stdin = "none" } = options;
    this.#child = new Deno.Command(command!, {
      args: [...first, ...args],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      clearEnv: true,
      env: {
        ...(options.clearEnv ? {} : outerEnv()),
        NO_COLOR: "1",
        ...(testedWorkers() > 1 ? { STREAM_WORKERS: String(testedWorkers()) } : {}),
        ...(testedListener() === undefined ? {} : { STREAM_LISTENER: testedListener()! }),
        ...options.env,
      },
      stdin: stdin === "none" ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = stdin === "none" ? undefined : this.#child.stdin.getWriter();
    const fed = stdin instanceof Uint8Array ? this.#feed(stdin) : undefined;
    const stdout = options.stdout === "piped"
      ? Promise.resolve(new Uint8Array())
      : new Response(this.#child.stdout).bytes();
    const { hangsMs = HANGS_MS } = options;
    this.outcome = this.#end(Promise.all([stdout, this.#collect(), fed]), hangsMs);
  }

  /** The process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Whether it has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Standard output, where it was left to the caller. */
  get stdout(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#child.stdout;
  }

  /** Writes to standard input, where it was left open. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#input!.write(bytes);
  }

  /** Ends standard input, where it was left open. */
  async endInput(): Promise<void> {
    await this.#input!.close();
  }

  /** Waits until standard error matches; an end before that is an error. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    const found = Promise.withResolvers<RegExpExecArray>();
    const look = () => {
      const match = pattern.exec(this.stderr);
      if (match !== null) found.resolve(match);
      else if (this.#isOver) {
        found.reject(new Error(`ended without saying ${pattern}, but:\n${this.stderr}`));
      }
    };
    this.#watchers.add(look);
    look();
    try {
      return await found.promise;
    } finally {
      this.#watchers.delete(look);
    }
  }

  /** Sends a signal; to a process that has ended, nothing is sent. */
  kill(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      // The type of the error for a process that has ended.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.outcome;
    // What was written and not read is of no use any more.
    await this.#input?.abort().catch(() => {});
  }

  async #end(
    streams: Promise<[Uint8Array, ...unknown[]]>,
    hangsMs: number,
  ): Promise<Outcome> {
    const timer = setTimeout(() => {
      this.stderr += `killed by its test: it ran for more than ${hangsMs / 1000} s\n`;
      this.kill("SIGKILL");
    }, hangsMs);
    const [{ code }, [stdout]] = await Promise.all([this.#child.status, streams]);
    clearTimeout(timer);
    this.#isOver = true;
    this.#look();
    return { code, stdout, stderr: this.stderr };
  }

  async #feed(bytes: Uint8Array): Promise<void> {
    try {
      await this.#input!.write(bytes);
      await this.#input!.close();
    } catch {
      // The process has ended without reading all; its outcome tells why.
    }
  }

  async #collect(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.stderr += text;
      this.#look();
    }
  }

  #look(): void {
    for (const look of [...this.#watchers]) look();
  }
}

function outerEnv(): Record<string, string> {
  const all = Object.entries(Deno.env.toObject());
  return Object.fromEntries(all.filter(([name]) => !name.startsWith("STREAM_")));
}

/** Starts the program. */
export function start(args: readonly string[], options?: StartOptions): Running {
  return new Running(args, options);
}

/** Runs the program to its end. */
export async function run(args: readonly string[], options?: StartOptions): Promise<Outcome> {
  await using running = start(args, options);
  return await running.outcome;
}

/** A relay on a free port. */
export interface RunningRelay extends AsyncDisposable {
  readonly process: Running;
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** `http://127.0.0.1:PORT`. */
  readonly http: string;
  /** The address of a stream. */
  url(name?: string): string;
  /** Waits until a stream's status in the API fulfils `isReached`, and returns it. */
  until(name: string, isReached: (status: StreamStatus) => boolean): Promise<StreamStatus>;
  /** Waits until `process` is over, or a stream has a viewer. */
  watchedBy(process: Running, name?: string): Promise<void>;
}

/** Starts `stream serve` on a free port (or on `port`) and waits until it listens. */
export async function startRelay(
  args: readonly string[] = [],
  options: StartOptions & { readonly port?: number } = {},
): Promise<RunningRelay> {
  const port = String(options.port ?? 0);
  const process = start(["serve", "--port", port, ...args], options);
  const http = (await process.said(/listening on (http:\/\/[^\s"]+)[\s"]/))[1]!;
  const host = http.replace("http://", "");
  const status = async (name: string): Promise<StreamStatus | undefined> => {
    const response = await fetch(`${http}/api/streams/${name}`);
    const body = await response.json();
    return response.ok ? body : undefined;
  };
  return {
    process,
    host,
    http,
    url: (name = "live") => `ws://${host}/${name}`,
    until: (name, isReached) =>
      eventually(`the stream ${name} to be as in ${isReached}`, async () => {
        const seen = await status(name);
        return seen !== undefined && isReached(seen) && seen;
      }),
    watchedBy: async (watch, name = "live") => {
      const isThere = async () => watch.isOver || (await status(name))?.viewers === 1;
      await eventually(`the stream ${name} to have a viewer`, isThere);
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}
