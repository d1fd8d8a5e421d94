/**
 * Signed tokens whose keys, and what of them was revoked, are in files that may change.
 *
 * @module
 */
import { messageOf, StreamError } from "../errors.ts";
import type { Log } from "../host/log.ts";
import { SignedTokens } from "./signed_tokens.ts";
import { readKeys } from "./token_keys.ts";

/** How often the files are looked at, in milliseconds. */
const LOOK_MS = 1000;
/** Largest file, in bytes. */
const MAX_BYTES = 1024 * 1024;

/** Where the keys are. */
export interface TokenFiles {
  /** The file of `--token-key`. */
  readonly keys: string;
  /** The file of `--revoked`: ids of tokens and of keys, one a line; `#` begins a remark. */
  readonly revoked?: string | undefined;
}

/** Tokens by files. */
export interface FiledTokens extends Disposable {
  readonly access: SignedTokens;
  /** Looks at the files now. */
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
  lookMs: number = LOOK_MS,
): Promise<FiledTokens> {
  const access = new SignedTokens([]);
  const files = [
    new WatchedFile(keys, log, async (text) => access.setKeys(await readKeys(text, "check"))),
    ...(revoked === undefined
      ? []
      : [new WatchedFile(revoked, log, (text) => access.setRevoked(idsIn(text)))]),
  ];
  for (const file of files) await file.begin();
  const reload = async () => {
    for (const file of files) await file.look();
  };
  const timer = setInterval(reload, lookMs);
  return { access, reload, [Symbol.dispose]: () => clearInterval(timer) };
}

/** A file that is read again when it has changed. */
class WatchedFile {
  readonly #path: string;
  readonly #log: Log;
  readonly #take: (text: string) => void | Promise<void>;
  #text = "";
  #told = "";

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
  async look(): Promise<void> {
    try {
      const text = await readText(this.#path);
      if (text === this.#text) return;
      this.#text = text;
      await this.#take(text);
      this.#told = "";
      this.#log.info(`read ${this.#path} again: it has changed`);
    } catch (error) {
      const why = error instanceof StreamError ? error.message : sentence(this.#path, error);
      // It is told once.
      if (why !== this.#told) this.#log.error(`${why}; what it said before stays`);
      this.#told = why;
    }
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
