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
  /** File with its private key, which has no password; PEM. The same file may hold both. */
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
  const certText = await readText(certFile);
  // A file with both is read once: it may be replaced at any time.
  const keyText = keyFile === certFile ? certText : await readText(keyFile);
  const cert = pemIn(certText, certFile, "the certificate", /(?:X509 )?CERTIFICATE/);
  const key = pemIn(keyText, keyFile, "the key", /(?:[A-Z]+ )*PRIVATE KEY/);
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

async function readText(file: string): Promise<string> {
  try {
    const { size } = await Deno.stat(file);
    if (size > MAX_FILE_BYTES) throw new Error("it is too large to be one");
    return await Deno.readTextFile(file);
  } catch (cause) {
    const seen = cause instanceof Deno.errors.NotFound ? "there is no such file" : messageOf(cause);
    throw fault(file, seen, cause);
  }
}

/** The blocks of a file that are called `label`, without what else is there. */
function pemIn(text: string, file: string, what: string, label: RegExp): string {
  const block = new RegExp(`-----BEGIN (${label.source})-----[^]*?(?:-----END \\1-----|$)`, "g");
  const found = text.match(block);
  if (found === null) throw fault(file, `${what} is not there in the form of PEM`);
  return `${found.join("\n")}\n`;
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
