/**
 * Options of TLS.
 *
 * @module
 */
import type { CertificateFiles } from "../server/mod.ts";
import { usage, type Values } from "./command.ts";
import { text } from "./value.ts";

/** By what a relay proves who it is. */
export const TLS_FLAGS = {
  "tls-cert": {
    value: "FILE",
    help: "speak TLS (https, wss) with this certificate and those that lead to a known one, PEM",
    read: text,
  },
  "tls-key": { value: "FILE", help: "the certificate's private key, PEM", read: text },
} as const;

/** Where the certificate is that the flags name; nothing where there is to be no TLS. */
export function tlsOf(
  command: { readonly name: string },
  flags: Values<typeof TLS_FLAGS>,
): CertificateFiles | undefined {
  const { "tls-cert": certFile, "tls-key": keyFile } = flags;
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined) throw usage(command, "--tls-key needs --tls-cert");
  if (keyFile === undefined) throw usage(command, "--tls-cert needs --tls-key");
  return { certFile, keyFile };
}
