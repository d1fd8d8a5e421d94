/**
 * Why a connection by TLS could not be made, for people. It looks at what the server shows.
 *
 * @module
 */
import { isIP } from "node:net";
import { connect, type PeerCertificate } from "node:tls";
import { printable } from "../host/printable.ts";

/** How long a server may take to show its certificate again, in milliseconds. */
const LOOK_MS = 5000;
/** Longest part of a name that is repeated, in characters. */
const MAX_SHOWN = 100;

/** What the platform says of a certificate that it does not take. */
const UNTRUSTED =
  /self[- ]signed certificate|unable to verify|unable to get (?:local )?issuer|UnknownIssuer|altname|certificate|CERT_/i;

/**
 * What is wrong with the TLS of the server at `url` (`wss:` or `https:`), as a clause; nothing where
 * `error`, which a connection has failed with, is about something else.
 */
export async function certificateFault(
  url: string | URL,
  error: unknown,
): Promise<string | undefined> {
  const { protocol, hostname, port } = new URL(url);
  const { message = "", code = "" } = (error ?? {}) as { message?: string; code?: string };
  const seen = `${code} ${message}`;
  const isSecure = protocol === "wss:" || protocol === "https:";
  if (!isSecure) {
    // A server of TLS answers plain HTTP with an alert.
    return /HPE_INVALID|Parse Error|invalid HTTP version/i.test(seen)
      ? `the server does not speak HTTP; where it speaks TLS, the address begins with wss:// or https://`
      : undefined;
  }
  if (/WRONG_VERSION_NUMBER|InvalidContentType|wrong version number/i.test(seen)) {
    return "the server does not speak TLS there; the address begins with ws:// or http://";
  }
  if (!UNTRUSTED.test(seen)) return undefined;
  const host = hostname.replace(/^\[|\]$/g, "");
  const shown = await certificateOf(host, Number(port || 443));
  if (shown === undefined) return `its certificate is not to be trusted: ${printable(message)}`;
  const [from, until] = [Date.parse(shown.valid_from), Date.parse(shown.valid_to)];
  const nowMs = Date.now();
  if (nowMs > until) return `its certificate has expired (${dayOf(until)})`;
  if (nowMs < from) {
    return `its certificate is not valid before ${dayOf(from)}; check the clocks of both`;
  }
  if (/ALTNAME/i.test(seen)) {
    const names = (shown.subjectaltname ?? "").replace(/\b(?:DNS|IP Address):/g, "");
    return `its certificate is for ${cut(names) || "no name"}, not for ${cut(host)}`;
  }
  const issuer = nameIn(shown.issuer);
  const signer = issuer === nameIn(shown.subject) ? "itself" : `"${cut(issuer)}"`;
  return `its certificate is signed by ${signer}, which is not known here; trust it with --ca FILE`;
}

/** What the server shows, whether that is to be trusted or not. */
async function certificateOf(host: string, port: number): Promise<PeerCertificate | undefined> {
  const shown = Promise.withResolvers<PeerCertificate | undefined>();
  const socket = connect({
    host,
    port,
    rejectUnauthorized: false,
    ...(isIP(host) === 0 ? { servername: host } : {}),
  }, () => shown.resolve(socket.getPeerCertificate()));
  socket.on("error", () => shown.resolve(undefined));
  const timer = setTimeout(() => shown.resolve(undefined), LOOK_MS);
  try {
    return await shown.promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

function nameIn(subject: PeerCertificate["subject"] | undefined): string {
  const { CN, O } = (subject ?? {}) as { CN?: string | string[]; O?: string | string[] };
  return String(CN ?? O ?? "somebody");
}

function cut(text: string): string {
  return printable(text.slice(0, MAX_SHOWN));
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
