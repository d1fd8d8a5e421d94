/**
 * Tokens that somebody has signed (JWT, RFC 7519): whoever brings one may do what it says.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { compactVerify, decodeProtectedHeader } from "jose";
import type { Access, AccessQuestion, Ruling } from "./access.ts";
import { type Claims, grantFault, readClaims } from "./claims.ts";
import { faulty } from "./fault.ts";
import type { TokenKey } from "./token_keys.ts";

/** Most tokens that are known without looking at their signature again. */
const MAX_KNOWN = 10_000;

interface Known {
  readonly claims: Claims;
  readonly keyId: string | undefined;
}

/** Lets those in who have a token that one of its keys has signed. */
export class SignedTokens implements Access {
  readonly needsToken = true;
  readonly #nowMs: () => number;
  readonly #listeners = new Set<() => void>();
  /** By the hash of a token, of which the signature is right. */
  readonly #known = new Map<string, Known>();
  #keys: readonly TokenKey[];
  #revoked: ReadonlySet<string>;

  /** `nowMs`: milliseconds since the Unix epoch. */
  constructor(
    keys: readonly TokenKey[],
    revoked: ReadonlySet<string> = new Set(),
    nowMs: () => number = Date.now,
  ) {
    this.#keys = keys;
    this.#revoked = revoked;
    this.#nowMs = nowMs;
  }

  /** Takes other keys; what others have signed counts no longer, also of those who are there. */
  setKeys(keys: readonly TokenKey[]): void {
    this.#keys = keys;
    this.#known.clear();
    this.#tell();
  }

  /** Takes other ids of tokens and of keys that count no longer. */
  setRevoked(revoked: ReadonlySet<string>): void {
    this.#revoked = revoked;
    this.#tell();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  authorize(question: AccessQuestion): Ruling | Promise<Ruling> {
    const { action, token } = question;
    if (token === undefined) return faulty("none", action);
    const hash = createHash("sha256").update(token).digest("base64");
    const known = this.#known.get(hash);
    return known === undefined ? this.#look(token, hash, question) : this.#rule(known, question);
  }

  async #look(token: string, hash: string, question: AccessQuestion): Promise<Ruling> {
    const keys = this.#keys;
    const signed = await signedBy(keys, token);
    // Who is let in by keys that have gone meanwhile would not be asked about again.
    if (keys !== this.#keys) return await this.#look(token, hash, question);
    if (signed === undefined) return faulty("wrong", question.action);
    const { keyId } = signed;
    let claims;
    try {
      claims = readClaims(JSON.parse(new TextDecoder().decode(signed.payload)));
    } catch (error) {
      const why = error instanceof SyntaxError
        ? "the token has no claims"
        : (error as Error).message;
      return { ...faulty("wrong", question.action, idsOf(keyId, undefined)), why };
    }
    const known = { claims, keyId };
    this.#remember(hash, known);
    return this.#rule(known, question);
  }

  #rule({ claims, keyId }: Known, { action, stream }: AccessQuestion): Ruling {
    const { exp, nbf, jti } = claims;
    const ids = idsOf(keyId, jti);
    const isRevoked = [keyId, jti].some((id) => id !== undefined && this.#revoked.has(id));
    if (isRevoked) return faulty("revoked", action, ids);
    const nowMs = this.#nowMs();
    if (exp !== undefined && nowMs >= exp * 1000) return faulty("expired", action, ids);
    if (nbf !== undefined && nowMs < nbf * 1000) return faulty("early", action, ids);
    const fault = grantFault(claims, action, stream);
    if (fault !== undefined) return faulty(fault, action, ids);
    return { decision: "allowed", ...ids, ...(exp === undefined ? {} : { untilMs: exp * 1000 }) };
  }

  #remember(hash: string, known: Known): void {
    for (const oldest of this.#known.keys()) {
      if (this.#known.size < MAX_KNOWN) break;
      this.#known.delete(oldest);
    }
    this.#known.set(hash, known);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** What a token says, and whose it is, where its signature is right. */
async function signedBy(
  keys: readonly TokenKey[],
  token: string,
): Promise<{ readonly payload: Uint8Array; readonly keyId: string | undefined } | undefined> {
  let named: string | undefined;
  try {
    named = decodeProtectedHeader(token).kid;
  } catch {
    return undefined;
  }
  for (const { id, algorithm, key } of keys) {
    // A key that has no id may be meant by whatever id; one that has is meant by its own alone.
    if (named !== undefined && id !== undefined && named !== id) continue;
    try {
      const { payload } = await compactVerify(token, key, { algorithms: [algorithm] });
      return { payload, keyId: id };
    } catch {
      // Another key may have signed it.
    }
  }
}

function idsOf(
  keyId: string | undefined,
  tokenId: string | undefined,
): Pick<Ruling, "keyId" | "tokenId"> {
  return {
    ...(keyId === undefined ? {} : { keyId }),
    ...(tokenId === undefined ? {} : { tokenId }),
  };
}
