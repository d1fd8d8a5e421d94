/**
 * The program as a process: run from the sources with the permissions that the README names, or,
 * where `STREAM_PROGRAM` names one, as the compiled executable.
 *
 * @module
 */

/** The repository's root, with a slash at the end. */
export const ROOT: string = new URL("..", import.meta.url).pathname;

/** The permissions that every command can do its work with. */
export const PERMISSIONS: readonly string[] = [
  "--allow-net",
  "--allow-env=STREAM_*",
  "--allow-read",
  "--allow-write",
];

/** How a process is started. */
export interface StartOptions {
  /** The working folder. */
  readonly cwd?: string;
  /** The whole environment, beside `NO_COLOR`. */
  readonly env?: Record<string, string>;
  /** The executable and its first arguments, instead of the program's sources. */
  readonly program?: readonly string[];
  /** What is written to standard input before it ends; `piped` leaves it open, for the caller. */
  readonly stdin?: Uint8Array | "piped" | "none";
  /** `piped` leaves standard output to the caller. */
  readonly stdout?: "collected" | "piped";
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
  readonly #watchers = new Set<() => void>();
  #isOver = false;

  constructor(args: readonly string[], options: StartOptions = {}) {
    const [command, ...first] = options.program ?? program();
    const { stdin = "none" } = options;
    this.#child = new Deno.Command(command!, {
      args: [...first, ...args],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { NO_COLOR: "1", ...options.env },
      stdin: stdin === "none" ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    if (stdin instanceof Uint8Array) this.#feed(stdin);
    const stdout = options.stdout === "piped"
      ? Promise.resolve(new Uint8Array())
      : new Response(this.#child.stdout).bytes();
    this.outcome = Promise.all([this.#child.status, stdout, this.#collect()]).then(
      ([{ code }, bytes]) => {
        this.#isOver = true;
        this.#look();
        return { code, stdout: bytes, stderr: this.stderr };
      },
    );
  }

  /** The process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Standard input, where it was left open. */
  get stdin(): WritableStream<Uint8Array> {
    return this.#child.stdin;
  }

  /** Standard output, where it was left to the caller. */
  get stdout(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#child.stdout;
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
    if (!this.#isOver) this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.outcome;
  }

  async #feed(bytes: Uint8Array): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    try {
      await writer.write(bytes);
      await writer.close();
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

/** Starts the program. */
export function start(args: readonly string[], options?: StartOptions): Running {
  return new Running(args, options);
}

/** Runs the program to its end. */
export async function run(args: readonly string[], options?: StartOptions): Promise<Outcome> {
  return await new Running(args, options).outcome;
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
}

/** Starts `stream serve` on a free port (or on `port`) and waits until it listens. */
export async function startRelay(
  args: readonly string[] = [],
  options: StartOptions & { readonly port?: number } = {},
): Promise<RunningRelay> {
  const process = start(["serve", "--port", String(options.port ?? 0), ...args], options);
  const http = (await process.said(/listening on (http:\/\/\S+)/))[1]!;
  const host = http.replace("http://", "");
  return {
    process,
    host,
    http,
    url: (name = "live") => `ws://${host}/${name}`,
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}
