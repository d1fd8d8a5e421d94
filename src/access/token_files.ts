/**
 * Signed tokens whose keys, and what of them was revoked, are in files that may change.
 *
 * @module
 */
import { messageOf, StreamError } from "../errors.ts";
import type { Log } from "../host/log.ts";
import { SignedTokens } from "./signed_tokens.ts";
import { readKeys } from "./token_keys.ts";

/** How often the files are looked at, in milliseconds; with what follows, a change takes a second. */
const LOOK_MS = 750;
/** So long a changed file has to stay as it is until it is taken: it may be half written. */
const SETTLE_MS = 250;
/** Largest file, in bytes. */
const MAX_BYTES = 1024 * 1024;

/** Where the keys are. */
export interface TokenFiles {
  /** The file of `--token-key`. */
  readonly keys: string;
  /** The file of `--revoked`: ids of tokens and of keys, one a line; `#` begins a remark. */
  readonly revoked?: string | undefined;
}

/** When the files are looked at, where that is not as usual. In milliseconds. */
export interface LookTimes {
  /** @default {750} */
  readonly lookMs?: number;
  /** @default {250} */
  readonly settleMs?: number;
}

/** Tokens by files. */
export interface FiledTokens extends Disposable {
  readonly access: SignedTokens;
  /** Looks at the files now, or when whoever looks at them is done. */
  reload(): Promise<void>;
}

/**
 * Reads the files, and again whenever they have changed. What cannot be read then is told, and what was
 * read before stays.
 *
 * @throws {StreamError} (`usage`) where one cannot be read at first
 */
export async function openTokenFiles(
  { keys, revoked }: TokenFiles,
  log: Log,
  { lookMs = LOOK_MS, settleMs = SETTLE_MS }: LookTimes = {},
): Promise<FiledTokens> {
  const access = new SignedTokens([]);
  const files = [
    new WatchedFile(keys, log, async (text) => access.setKeys(await readKeys(text, "check"))),
    ...(revoked === undefined
      ? []
      : [new WatchedFile(revoked, log, (text) => access.setRevoked(idsIn(text)))]),
  ];
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
  return { access, reload, [Symbol.dispose]: () => clearInterval(timer) };
}

/** A file that is read again when it has changed. */
class WatchedFile {
  readonly #path: string;
  readonly #log: Log;
  readonly #take: (text: string) => void | Promise<void>;
  #text = "";
  /** Why it could not be read when it was looked at last; empty where it could. */
  #unread = "";

  constructor(path: string, log: Log, take: (text: string) => void | Promise<void>) {
    this.#path = path;
    this.#log = log;
    this.#take = take;
  }

  /** Reads it for the first time. */
  async begin(): Promise<void> {
    this.#text = await readText(this.#path);
    try {
      await this.#take(this.#text);
    } catch (cause) {
      throw new StreamError("usage", sentence(this.#path, cause), { cause });
    }
  }

  /** Reads it where it has changed. */
  async look(settleMs: number): Promise<void> {
    let text: string;
    try {
      text = await readText(this.#path);
      if (text !== this.#text) {
        await new Promise((resolve) => setTimeout(resolve, settleMs));
        // Still being written: it is looked at again.
        if (await readText(this.#path) !== text) return;
      }
    } catch (error) {
      // It is told once.
      const why = messageOf(error);
      if (why !== this.#unread) this.#keep(why);
      this.#unread = why;
      return;
    }
    const wasUnread = this.#unread !== "";
    this.#unread = "";
    if (text === this.#text) {
      if (wasUnread) this.#log.info(`read ${this.#path} again: it is as it was`);
      return;
    }
    this.#text = text;
    try {
      await this.#take(text);
      this.#log.info(`read ${this.#path} again: it has changed`);
    } catch (error) {
      this.#keep(sentence(this.#path, error));
    }
  }

  #keep(why: string): void {
    this.#log.error(`${why}; what it said before stays`);
  }
}

function idsIn(text: string): ReadonlySet<string> {
  const lines = text.split("\n").map((line) => line.replace(/#.*/, "").trim());
  return new Set(lines.filter((line) => line !== ""));
}

async function readText(path: string): Promise<string> {
  try {
    const { size } = await Deno.stat(path);
    if (size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw new StreamError("usage", sentence(path, cause), { cause });
  }
}

function sentence(path: string, error: unknown): string {
  return `Cannot read ${path}: ${messageOf(error)}`;
}
