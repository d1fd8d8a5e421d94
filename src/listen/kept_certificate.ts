/**
 * A self-signed certificate that is kept in a folder, from one start to the next.
 *
 * @module
 */
import { X509Certificate } from "node:crypto";
import ipaddr from "ipaddr.js";
import { messageOf, StreamError } from "../errors.ts";
import { readCertificate, timeFault } from "./certificate.ts";
import { type CertifiedNames, uncertified } from "./certified_names.ts";

const DAY_MS = 24 * 3_600_000;
/**
 * For how long a certificate counts. Systems of Apple take none that counts for more than 398 days
 * (https://support.apple.com/102028).
 */
export const VALID_MS = 397 * DAY_MS;
/** So long before it is made, for clocks that are late: a part of {@linkcode VALID_MS}. */
const BACKDATED_MS = DAY_MS;
/** It is made anew when it counts for no longer than this. */
export const RENEWED_MS = 30 * DAY_MS;

/** What is wanted of a certificate. */
export interface KeepOrder {
  /** The folder that it is kept in, which is there. */
  readonly folder: string;
  readonly names: CertifiedNames;
  /** Whether one that is for other names is made anew. */
  readonly checksNames: boolean;
  /** The time, in milliseconds since the Unix epoch. */
  readonly nowMs: number;
}

/** A certificate that is there. */
export interface KeptCertificate {
  /** SHA-256 of the certificate, as `openssl x509 -fingerprint -sha256` writes it. */
  readonly fingerprint: string;
  /** Until when it counts, in milliseconds since the Unix epoch. */
  readonly untilMs: number;
  /** Why it was made now, as a clause; absent where it was there. */
  readonly madeBecause?: string;
}

/**
 * The certificate with its key, which only its owner may read. They are in one file, so that whoever
 * reads it has two that belong together.
 */
export function pairFileIn(folder: string): string {
  return `${folder}/key-and-cert.pem`;
}

/** The certificate alone, which clients are given. */
export function certFileIn(folder: string): string {
  return `${folder}/cert.pem`;
}

/**
 * Has a certificate with these names in the folder: the one that is there as long as it is good, else a
 * new one. Whoever asks meanwhile, also in another process, waits and gets the same.
 *
 * @throws {StreamError} (`usage`) where it has to be made and the folder cannot be written
 */
export async function keepCertificate(order: KeepOrder): Promise<KeptCertificate> {
  const before = await look(order);
  if (before.isWhole) return before.kept;
  try {
    using _lock = await lock(`${order.folder}/lock`);
    const { kept, cert, isWhole, fault } = await look(order);
    if (isWhole) return kept;
    if (kept !== undefined) {
      await write(certFileIn(order.folder), cert, 0o644);
      return kept;
    }
    return { ...await make(order), madeBecause: fault };
  } catch (cause) {
    throw unwritable(order.folder, cause);
  }
}

/** What to say of a folder for certificates that cannot be written. */
export function unwritable(folder: string, cause: unknown): StreamError {
  const seen = cause instanceof Deno.errors.PermissionDenied
    ? "permission denied"
    : cause instanceof Deno.errors.NotCapable
    ? "the program is not allowed to write there"
    : cause instanceof Deno.errors.NotADirectory || cause instanceof Deno.errors.AlreadyExists
    ? "part of the path is a file, not a folder"
    : messageOf(cause);
  return new StreamError(
    "usage",
    `Cannot keep a certificate in ${folder}: ${seen}; name a folder that can be written by ` +
      "XDG_STATE_HOME, or give --tls-cert and --tls-key",
    { cause },
  );
}

/** What is in a folder: a certificate that is good, perhaps not yet beside its key; or what is wrong. */
type Seen =
  | { readonly kept: KeptCertificate; readonly cert: string; readonly isWhole: true; fault?: never }
  | {
    readonly kept: KeptCertificate;
    readonly cert: string;
    readonly isWhole: false;
    fault?: never;
  }
  | { readonly kept?: never; readonly cert?: never; readonly isWhole: false; fault: string };

async function look({ folder, names, checksNames, nowMs }: KeepOrder): Promise<Seen> {
  const file = pairFileIn(folder);
  try {
    const { cert, fromMs, untilMs } = await readCertificate({ certFile: file, keyFile: file });
    const x509 = new X509Certificate(cert);
    if (!x509.verify(x509.publicKey)) throw new Error("its signature is wrong");
    const has = (name: string) =>
      (ipaddr.isValid(name) ? x509.checkIP(name) : x509.checkHost(name)) !== undefined;
    const missing = checksNames ? uncertified(names, has) : undefined;
    const fault = timeFault({ fromMs, untilMs }, nowMs) ??
      (untilMs - nowMs <= RENEWED_MS
        ? "expires soon"
        : missing === undefined
        ? undefined
        : `is not for ${missing}`);
    if (fault !== undefined) return { isWhole: false, fault: `the one before ${fault}` };
    const kept = { fingerprint: x509.fingerprint256, untilMs };
    const shown = await Deno.readTextFile(certFileIn(folder)).catch(() => "");
    return { kept, cert, isWhole: shown === cert };
  } catch (error) {
    const isThere = await Deno.lstat(file).then(() => true, () => false);
    const fault = isThere ? `the one before cannot be used: ${messageOf(error)}` : "there was none";
    return { isWhole: false, fault };
  }
}

async function make({ folder, names, nowMs }: KeepOrder): Promise<KeptCertificate> {
  // What makes it takes a while to load, and is needed once a year.
  const { selfSigned } = await import("./self_signed.ts");
  const fromMs = nowMs - BACKDATED_MS;
  const { cert, key } = await selfSigned({ names: names.all, fromMs, untilMs: fromMs + VALID_MS });
  await write(pairFileIn(folder), cert + key, 0o600);
  await write(certFileIn(folder), cert, 0o644);
  const { fingerprint256, validTo } = new X509Certificate(cert);
  return { fingerprint: fingerprint256, untilMs: Date.parse(validTo) };
}

/** Writes a file that is there whole or not at all, also after a loss of power. */
async function write(path: string, text: string, mode: number): Promise<void> {
  const partial = `${path}.part`;
  // Whoever was stopped on the way has left it. Nobody else writes: there is a lock.
  await Deno.remove(partial).catch(() => {});
  {
    using file = await Deno.open(partial, { write: true, createNew: true, mode });
    const bytes = new TextEncoder().encode(text);
    for (let start = 0; start < bytes.length;) start += await file.write(bytes.subarray(start));
    await file.sync();
  }
  await Deno.rename(partial, path);
}

/** Lets one process at a time go on, until it is disposed of or the process ends. */
async function lock(path: string): Promise<Disposable> {
  const file = await Deno.open(path, { write: true, create: true, mode: 0o600 });
  try {
    await file.lock(true);
  } catch {
    // Some file systems have no locks. There the last of two that start at once wins, and the other one
    // takes its certificate up as it does any that has changed.
  }
  return { [Symbol.dispose]: () => file.close() };
}
