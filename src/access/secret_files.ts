/**
 * Shared secrets in files that may change.
 *
 * @module
 */
import type { Log } from "../host/log.ts";
import { type Secrets, SharedSecrets } from "./secrets.ts";
import { type LookTimes, type WatchedFiles, watchFiles } from "./watched_files.ts";

/** Longest secret, in characters: the relay looks at none that is longer. */
const MAX_SECRET_LENGTH = 8192;

/** Where a secret is. */
export interface SecretFile {
  readonly action: keyof Secrets;
  readonly path: string;
  /** What it is called where it cannot be used, as `--watch-token @watch.txt`. */
  readonly label: string;
}

/** Secrets by files. */
export interface FiledSecrets extends WatchedFiles {
  readonly access: SharedSecrets;
}

/**
 * Reads the files, and again whenever they have changed; what was a secret before is then revoked.
 *
 * @param secrets those that are in no file
 * @throws {StreamError} (`usage`) where one cannot be used at first
 */
export async function openSecretFiles(
  files: readonly SecretFile[],
  secrets: Secrets,
  log: Log,
  times?: LookTimes,
): Promise<FiledSecrets> {
  const access = new SharedSecrets(secrets);
  const wanted = files.map(({ action, path, label }) => ({
    path,
    label,
    take: (text: string) => {
      const secret = text.trim();
      const fault = secretFault(secret);
      if (fault !== undefined) throw new Error(`it ${fault}`);
      access.set(action, secret);
    },
  }));
  return { access, ...await watchFiles(wanted, log, times) };
}

/** What is wrong with a secret, as what is said of it and without it; nothing where it can be used. */
export function secretFault(secret: string): string | undefined {
  if (secret === "") return "is empty";
  if (secret.length > MAX_SECRET_LENGTH) return `has more than ${MAX_SECRET_LENGTH} characters`;
  if (!/^[!-~]+$/.test(secret)) {
    return "has characters that no request can carry; use letters and digits";
  }
}
