/**
 * Signed tokens whose keys, and what of them was revoked, are in files that may change.
 *
 * @module
 */
import type { Log } from "../host/log.ts";
import { SignedTokens } from "./signed_tokens.ts";
import { readKeys } from "./token_keys.ts";
import { type LookTimes, type WatchedFiles, watchFiles } from "./watched_files.ts";

/** Where the keys are. */
export interface TokenFiles {
  /** The file of `--token-key`. */
  readonly keys: string;
  /** The file of `--revoked`: ids of tokens and of keys, one a line; `#` begins a remark. */
  readonly revoked?: string | undefined;
}

/** Tokens by files. */
export interface FiledTokens extends WatchedFiles {
  readonly access: SignedTokens;
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
  times?: LookTimes,
): Promise<FiledTokens> {
  const access = new SignedTokens([]);
  const files = [
    { path: keys, take: async (text: string) => access.setKeys(await readKeys(text, "check")) },
    ...(revoked === undefined
      ? []
      : [{ path: revoked, take: (text: string) => access.setRevoked(idsIn(text)) }]),
  ];
  return { access, ...await watchFiles(files, log, times) };
}

function idsIn(text: string): ReadonlySet<string> {
  const lines = text.split("\n").map((line) => line.replace(/#.*/, "").trim());
  return new Set(lines.filter((line) => line !== ""));
}
