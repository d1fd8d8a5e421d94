/**
 * By what a client is let in, and whom it trusts.
 *
 * @module
 */
import type { Pass, PassOptions, StreamUrl } from "../client/mod.ts";
import { messageOf } from "../errors.ts";
import { usage, type Values } from "./command.ts";
import { isToken, MAX_TOKEN_LENGTH, type PASS_FLAGS } from "./pass_flags.ts";

/** Most bytes of a file with certificates: those of all authorities take a quarter of it. */
const MAX_CA_BYTES = 1024 * 1024;

/** Where systems keep the certificates that they trust: Debian, Fedora, openSUSE, Alpine and macOS. */
const SYSTEM_FILES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/**
 * What goes with every connection to `url`. A token of the flags counts more than what the address has.
 *
 * @throws {StreamError} (`usage`) when a file cannot be used
 */
export async function passOf(
  command: { readonly name: string },
  { token, ca }: Values<typeof PASS_FLAGS>,
  url: Pick<StreamUrl, "socket" | "authorization">,
): Promise<PassOptions> {
  const authorization = await authorizationOf(command, token) ?? url.authorization;
  const trusted = ca !== undefined
    ? await certificatesIn(command, ca)
    : url.socket.startsWith("wss:")
    ? await systemCertificates()
    : undefined;
  return {
    ...(authorization === undefined ? {} : { authorization }),
    ...(trusted === undefined ? {} : { ca: trusted }),
  };
}

/** As {@linkcode passOf}, for connections that are all made at about this time. */
export async function passNow(
  command: { readonly name: string },
  flags: Values<typeof PASS_FLAGS>,
  url: Pick<StreamUrl, "socket" | "authorization">,
): Promise<Pass> {
  const { ca, authorization } = await passOf(command, flags, url);
  const now = typeof authorization === "function" ? await authorization() : authorization;
  return { ca, authorization: now };
}

async function authorizationOf(
  command: { readonly name: string },
  token: string | undefined,
): Promise<PassOptions["authorization"]> {
  if (token === undefined) return undefined;
  if (!token.startsWith("@")) return `Bearer ${token}`;
  const file = token.slice(1);
  const read = async () => `Bearer ${await tokenIn(command, file)}`;
  // Whatever is wrong with the file is told before anything begins.
  let last = await read();
  return async () => {
    try {
      last = await read();
    } catch {
      // It is being written, or gone: the relay says what it thinks of the one before.
    }
    return last;
  };
}

async function tokenIn(command: { readonly name: string }, file: string): Promise<string> {
  const token = (await readText(command, "--token @", file, 2 * MAX_TOKEN_LENGTH)).trim();
  if (isToken(token)) return token;
  throw usage(command, `there is no token in the file of --token @${file}`);
}

async function certificatesIn(
  command: { readonly name: string },
  file: string,
): Promise<readonly string[]> {
  // Only this needs it, and it is slow to load.
  const { X509Certificate } = await import("node:crypto");
  const found = pemsIn(await readText(command, "--ca ", file, MAX_CA_BYTES));
  try {
    if (found.length === 0) throw new Error();
    for (const pem of found) new X509Certificate(pem);
  } catch {
    throw usage(command, `there is no certificate in the form of PEM in --ca ${file}`);
  }
  return found;
}

/** What the system trusts; nothing where that is not known, and the built-in list counts. */
async function systemCertificates(): Promise<readonly string[] | undefined> {
  for (const file of SYSTEM_FILES) {
    const found = await Deno.readTextFile(file).then(pemsIn, () => []);
    if (found.length > 0) return found;
  }
  return undefined;
}

function pemsIn(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

async function readText(
  command: { readonly name: string },
  option: string,
  file: string,
  maxBytes: number,
): Promise<string> {
  try {
    if ((await Deno.stat(file)).size > maxBytes) throw new Error("it is too large");
    return await Deno.readTextFile(file);
  } catch (cause) {
    const seen = cause instanceof Deno.errors.NotFound ? "there is no such file" : messageOf(cause);
    throw usage(command, `cannot read ${option}${file}: ${seen}`);
  }
}
