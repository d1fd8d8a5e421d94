/**
 * The certificate of a listener, from files.
 *
 * @module
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { messageOf, StreamError } from "../errors.ts";

/** Most bytes of a file with certificates or a key. */
const MAX_FILE_BYTES = 1024 * 1024;

/** What a listener shows those who connect, and proves that it is its own; both PEM (RFC 7468). */
export interface Certificate {
  /** The certificate, and those that lead from it to one that clients know. */
  readonly cert: string;
  /** The private key of the first one. */
  readonly key: string;
}

/** Where a certificate is. */
export interface CertificateFiles {
  /** File with the certificate, and those that lead from it to one that clients know; PEM. */
  readonly certFile: string;
  /** File with its private key, which has no password; PEM. */
  readonly keyFile: string;
}

/** A certificate with what is known of it. */
export interface ReadCertificate extends Certificate {
  /** From when on it counts, in milliseconds since the Unix epoch. */
  readonly fromMs: number;
  /** Until when it counts, in milliseconds since the Unix epoch. */
  readonly untilMs: number;
}

/**
 * Reads a certificate and its key.
 *
 * @throws {StreamError} (`usage`) when a file cannot be read, is not what it should be, or the two do
 * not belong together
 */
export async function readCertificate(files: CertificateFiles): Promise<ReadCertificate> {
  const { certFile, keyFile } = files;
  const cert = await readPem(certFile, "the certificate", /-----BEGIN (?:X509 )?CERTIFICATE-----/);
  const key = await readPem(keyFile, "the key", /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/);
  const x509 = parsed(() => new X509Certificate(cert), certFile, "the certificate");
  if (/-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m.test(key)) {
    throw fault(keyFile, 'the key has a password; take it off with "openssl pkey"');
  }
  const ownKey: KeyObject = parsed(() => createPrivateKey(key), keyFile, "the key");
  if (!x509.checkPrivateKey(ownKey)) {
    throw fault(keyFile, `the key does not belong to the certificate in ${certFile}`);
  }
  return { cert, key, fromMs: Date.parse(x509.validFrom), untilMs: Date.parse(x509.validTo) };
}

/** What is wrong with the time of a certificate, as a clause; nothing while it counts. */
export function timeFault(
  { fromMs, untilMs }: Pick<ReadCertificate, "fromMs" | "untilMs">,
  nowMs: number,
): string | undefined {
  if (nowMs > untilMs) return `has expired (${dateOf(untilMs)})`;
  if (nowMs < fromMs) return `is not valid before ${dateOf(fromMs)}`;
}

function dateOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

async function readPem(file: string, what: string, begins: RegExp): Promise<string> {
  let text: string;
  try {
    const { size } = await Deno.stat(file);
    if (size > MAX_FILE_BYTES) throw new Error("it is too large to be one");
    text = await Deno.readTextFile(file);
  } catch (cause) {
    const seen = cause instanceof Deno.errors.NotFound ? "there is no such file" : messageOf(cause);
    throw fault(file, seen, cause);
  }
  if (!begins.test(text)) throw fault(file, `${what} is not there in the form of PEM`);
  return text;
}

function parsed<T>(parse: () => T, file: string, what: string): T {
  try {
    return parse();
  } catch (cause) {
    throw fault(file, `${what} cannot be read`, cause);
  }
}

function fault(file: string, why: string, cause?: unknown): StreamError {
  return new StreamError("usage", `Cannot use ${file} for TLS: ${why}`, { cause });
}
