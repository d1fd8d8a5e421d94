/**
 * Certificates that nobody has signed but their own key.
 *
 * @module
 */
// What `@peculiar/x509` is put together with: it has to be there first.
import "reflect-metadata";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import ipaddr from "ipaddr.js";
import type { Certificate } from "./certificate.ts";

/** Longest title (RFC 5280 appendix A.1, `ub-common-name`), in characters. */
const MAX_TITLE = 64;
/** What every platform has (RFC 8422 section 5.1.1). */
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** What a certificate is to say. */
export interface SelfSignedOptions {
  /** Names and addresses of the machine; the first is its title, as far as there is room for it. */
  readonly names: readonly string[];
  /** From when on it counts, in milliseconds since the Unix epoch. */
  readonly fromMs: number;
  /** Until when it counts, in milliseconds since the Unix epoch. */
  readonly untilMs: number;
}

/** Makes a key and its certificate, which is for a server and signs no others. */
export async function selfSigned(
  { names, fromMs, untilMs }: SelfSignedOptions,
): Promise<Certificate> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [names[0]!.slice(0, MAX_TITLE)] }],
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(fromMs),
    notAfter: new Date(untilMs),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        names.map((value) => ({
          type: ipaddr.isValid(value) ? "ip" as const : "dns" as const,
          value,
        })),
      ),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    cert: `${certificate.toString("pem")}\n`,
    key: `${PemConverter.encode(key, "PRIVATE KEY")}\n`,
  };
}
