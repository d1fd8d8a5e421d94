/**
 * Keys that sign tokens: a JWK or a JWKS (RFC 7517), or a raw secret.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { importJWK, type JWK } from "jose";

/** Most keys that are tried. */
const MAX_KEYS = 16;
/** Least length of a secret for HS256 (RFC 7518 section 3.2), in bytes. */
const MIN_SECRET_BYTES = 32;

/** How a key signs. The key says it, never a token. */
export type KeyAlgorithm = "HS256" | "EdDSA" | "ES256" | "RS256";

/** A key, and how it signs. */
export interface TokenKey {
  /** Its id (`kid`), where it has one. */
  readonly id: string | undefined;
  readonly algorithm: KeyAlgorithm;
  readonly key: Awaited<ReturnType<typeof importJWK>>;
  /** Whether it can sign, and not only check. */
  readonly isPrivate: boolean;
  /** By which it is known again when its file is read again: what it checks, it checks alike. */
  readonly print: string;
}

/** What a key is read for: the relay keeps no private key in memory that it does not need. */
export type KeyUse = "check" | "sign";

/**
 * Reads the keys in a file's text.
 *
 * @throws {Error} with a clause that says what is wrong, and shows nothing of a key
 */
export async function readKeys(text: string, use: KeyUse): Promise<readonly TokenKey[]> {
  const trimmed = text.trim();
  if (!trimmed.startsWith("{")) return [rawSecret(trimmed)];
  let value: unknown;
  try {
    value = JSON.parse(trimmed);
  } catch {
    throw new Error("it begins as JSON, and is none");
  }
  const all = (value as { keys?: unknown }).keys ?? [value];
  if (!Array.isArray(all) || all.length === 0 || all.length > MAX_KEYS) {
    throw new Error(`"keys" is no list of 1 to ${MAX_KEYS} keys`);
  }
  const keys = await Promise.all(
    all.map((jwk, index) => readJwk(jwk as JWK, index + 1, use)),
  );
  const ids = keys.map(({ id }) => id).filter((id) => id !== undefined);
  if (new Set(ids).size < ids.length) throw new Error("two keys have the same kid");
  return keys;
}

function rawSecret(text: string): TokenKey {
  const key = new TextEncoder().encode(text);
  if (key.length < MIN_SECRET_BYTES) {
    throw new Error(`a secret needs at least ${MIN_SECRET_BYTES} bytes, and it has ${key.length}`);
  }
  const print = printOf([text]);
  return { id: undefined, algorithm: "HS256", key, isPrivate: true, print };
}

function printOf(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64");
}

async function readJwk(jwk: JWK, number: number, use: KeyUse): Promise<TokenKey> {
  const fail = (why: string): never => {
    throw new Error(`key ${number} ${why}`);
  };
  if (typeof jwk !== "object" || jwk === null) return fail("is no object");
  const algorithm = algorithmOf(jwk) ??
    fail("is none of HS256 (oct), EdDSA (OKP, Ed25519), ES256 (EC, P-256) and RS256 (RSA)");
  const claimed = jwk.alg === "Ed25519" ? "EdDSA" : jwk.alg;
  if (claimed !== undefined && claimed !== algorithm) fail(`is not for its "alg"`);
  if (jwk.use !== undefined && jwk.use !== "sig") fail(`has a "use" that is not "sig"`);
  const id = jwk.kid;
  if (id !== undefined && (typeof id !== "string" || id.length > 256)) fail("has no fit kid");
  const isPrivate = algorithm === "HS256" || jwk.d !== undefined;
  if (use === "sign" && !isPrivate) fail("is public: it cannot sign");
  const { kty, k, crv, x, y, n, e } = jwk;
  const open = { kty, k, crv, x, y, n, e };
  const wanted = use === "sign" ? jwk : open;
  const given = Object.fromEntries(
    Object.entries(wanted).filter(([name, value]) =>
      value !== undefined && name !== "key_ops" && name !== "ext"
    ),
  );
  let key;
  try {
    key = await importJWK(given as unknown as JWK, algorithm);
  } catch {
    return fail("cannot be read");
  }
  if (key instanceof Uint8Array && key.length < MIN_SECRET_BYTES) {
    fail(`has fewer than ${MIN_SECRET_BYTES} bytes`);
  }
  const print = printOf([id, algorithm, k, crv, x, y, n, e]);
  return { id, algorithm, key, isPrivate, print };
}

function algorithmOf({ kty, crv }: JWK): KeyAlgorithm | undefined {
  if (kty === "oct") return "HS256";
  if (kty === "OKP" && crv === "Ed25519") return "EdDSA";
  if (kty === "EC" && crv === "P-256") return "ES256";
  return kty === "RSA" ? "RS256" : undefined;
}
