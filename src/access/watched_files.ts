/**
 * Files that are read again whenever they have changed.
 *
 * @module
 */
import { messageOf, StreamError } from "../errors.ts";
import type { Log } from "../host/log.ts";

/** How often the files are looked at, in milliseconds; with what follows, a change takes a second. */
const LOOK_MS = 750;
/** So long a changed file has to stay as it is until it is taken: it may be half written. */
const SETTLE_MS = 250;
/** Largest file, in bytes. */
const MAX_BYTES = 1024 * 1024;

/** A file, and what is done with its text. */
export interface FileToWatch {
  readonly path: string;
  /** What it is called where it cannot be used, as `--watch-token @watch.txt`. @default {its path} */
  readonly label?: string;
  /** Takes its text up; throws an error with a clause where that cannot be used. */
  take(text: string): void | Promise<void>;
}

/** When the files are looked at, where that is not as usual. In milliseconds. */
export interface LookTimes {
  /** @default {750} */
  readonly lookMs?: number;
  /** @default {250} */
  readonly settleMs?: number;
}

/** What is watched, until it is disposed of. */
export interface WatchedFiles extends Disposable {
  /** Looks at the files now, or when whoever looks at them is done. */
  reload(): Promise<void>;
}

/**
 * Reads the files, and again whenever they have changed. What cannot be read then is told, and what was
 * read before stays. What is no plain file, such as a pipe, is read once.
 *
 * @throws {StreamError} (`usage`) where one cannot be used at first
 */
export async function watchFiles(
  wanted: readonly FileToWatch[],
  log: Log,
  { lookMs = LOOK_MS, settleMs = SETTLE_MS }: LookTimes = {},
): Promise<WatchedFiles> {
  const files = wanted.map((file) => new WatchedFile(file, log));
  for (const file of files) await file.begin();
  let looking = Promise.resolve();
  let next: Promise<void> | undefined;
  const look = async () => {
    next = undefined;
    for (const file of files) await file.look(settleMs);
  };
  // One after the other: what was read first must not be taken last. One that waits is enough.
  const reload = () => next ??= looking = looking.then(look);
  const timer = setInterval(reload, lookMs);
  return { reload, [Symbol.dispose]: () => clearInterval(timer) };
}

/** A file that is read again when it has changed. */
class WatchedFile {
  readonly #path: string;
  readonly #label: string;
  readonly #take: FileToWatch["take"];
  readonly #log: Log;
  #text = "";
  /** Whether it is read again: what comes out of a pipe comes once, and a read may wait for ever. */
  #isPlain = false;
  /** Whether it could not be read when it was looked at last. */
  #isUnread = false;

  constructor({ path, label = path, take }: FileToWatch, log: Log) {
    this.#path = path;
    this.#label = label;
    this.#take = take;
    this.#log = log;
  }

  /** Reads it for the first time. */
  async begin(): Promise<void> {
    try {
      this.#isPlain = (await Deno.stat(this.#path)).isFile;
      this.#text = await readText(this.#path);
      await this.#take(this.#text);
    } catch (cause) {
      throw new StreamError("usage", this.#sentence(cause), { cause });
    }
  }

  /** Reads it where it has changed. */
  async look(settleMs: number): Promise<void> {
    if (!this.#isPlain) return;
    let text: string;
    try {
      text = await readText(this.#path);
      if (text !== this.#text) {
        await new Promise((resolve) => setTimeout(resolve, settleMs));
        // Still being written: it is looked at again.
        if (await readText(this.#path) !== text) return;
      }
    } catch (error) {
      // It is told once, in whichever way the system puts it at first.
      if (!this.#isUnread) this.#keep(this.#sentence(error));
      this.#isUnread = true;
      return;
    }
    const wasUnread = this.#isUnread;
    this.#isUnread = false;
    if (text === this.#text) {
      if (wasUnread) this.#log.info(`read ${this.#path} again: it is as it was`);
      return;
    }
    this.#text = text;
    try {
      await this.#take(text);
      this.#log.info(`read ${this.#path} again: it has changed`);
    } catch (error) {
      this.#keep(this.#sentence(error));
    }
  }

  #keep(why: string): void {
    this.#log.error(`${why}; what it said before stays`);
  }

  #sentence(error: unknown): string {
    return `Cannot read ${this.#label}: ${messageOf(error)}`;
  }
}

async function readText(path: string): Promise<string> {
  const { size } = await Deno.stat(path);
  if (size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
  return await Deno.readTextFile(path);
}
