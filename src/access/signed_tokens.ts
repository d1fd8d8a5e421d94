/**
 * Tokens that somebody has signed (JWT, RFC 7519): whoever brings one may do what it says.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { compactVerify, decodeProtectedHeader } from "jose";
import type { Access, AccessQuestion, Ruling, TokenIds } from "./access.ts";
import { type Claims, grantFault, readClaims } from "./claims.ts";
import { CheckPace } from "./check_pace.ts";
import { faulty } from "./fault.ts";
import type { TokenKey } from "./token_keys.ts";

/** Most tokens that are known without looking at their signature again. */
const MAX_KNOWN = 10_000;

/** It is wrong for every action. */
const WRONG: Ruling = faulty("wrong", "connect");
/** Told where more tokens come than there is time for. */
const LIMITED: Ruling = {
  decision: "limited",
  why: "so many tokens come that there is no time to check this one; try again later",
  retryAfterS: 2,
};

interface Known {
  readonly claims: Claims;
  readonly key: TokenKey;
}

interface Signed {
  readonly payload: Uint8Array;
  readonly key: TokenKey;
}

/** Lets those in who have a token that one of its keys has signed. */
export class SignedTokens implements Access {
  readonly needsToken = true;
  readonly #nowMs: () => number;
  readonly #listeners = new Set<() => void>();
  /** By the hash of a token, of which the signature is right. */
  readonly #known = new Map<string, Known>();
  /** By the same hash: what is being found out. Many may come at once with one token. */
  readonly #checking = new Map<string, Promise<Known | Ruling>>();
  readonly #pace: CheckPace;
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
    this.#pace = new CheckPace(nowMs);
  }

  /** Takes other keys; what others have signed counts no longer, also of those who are there. */
  setKeys(keys: readonly TokenKey[]): void {
    this.#keys = keys;
    const prints = new Set(keys.map(({ print }) => print));
    // All who are there are asked about now: what the same key has signed need not be checked again.
    for (const [hash, { key }] of this.#known) {
      if (!prints.has(key.print)) this.#known.delete(hash);
    }
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
    let checked = this.#checking.get(hash);
    if (checked === undefined) {
      checked = this.#check(token).finally(() => this.#checking.delete(hash));
      this.#checking.set(hash, checked);
    }
    const found = await checked;
    if ("decision" in found) return found;
    this.#remember(hash, found);
    return this.#rule(found, question);
  }

  /** What a token says whose signature is right, or why it is none. */
  async #check(token: string): Promise<Known | Ruling> {
    const keys = this.#keys;
    const signed = await this.#signedBy(keys, token);
    // Who is let in by keys that have gone meanwhile would not be asked about again.
    if (keys !== this.#keys) return await this.#check(token);
    if (signed === undefined) return WRONG;
    if ("decision" in signed) return signed;
    const { key, payload } = signed;
    try {
      return { claims: readClaims(JSON.parse(new TextDecoder().decode(payload))), key };
    } catch (error) {
      const why = error instanceof SyntaxError
        ? "the token has no claims"
        : (error as Error).message;
      return { ...WRONG, ...idsOf(key.id), why };
    }
  }

  #rule({ claims, key }: Known, { action, stream }: AccessQuestion): Ruling {
    const { exp, nbf, jti } = claims;
    const ids = idsOf(key.id, claims);
    const isRevoked = [key.id, jti].some((id) => id !== undefined && this.#revoked.has(id));
    if (isRevoked) return faulty("revoked", action, ids);
    const nowMs = this.#nowMs();
    if (exp !== undefined && nowMs >= exp * 1000) return faulty("expired", action, ids);
    if (nbf !== undefined && nowMs < nbf * 1000) return faulty("early", action, ids);
    const fault = grantFault(claims, action, stream);
    if (fault !== undefined) return faulty(fault, action, ids);
    return { decision: "allowed", ...ids, ...(exp === undefined ? {} : { untilMs: exp * 1000 }) };
  }

  /** What a token says, and whose it is, where its signature is right. */
  async #signedBy(
    keys: readonly TokenKey[],
    token: string,
  ): Promise<Signed | typeof LIMITED | undefined> {
    let header;
    try {
      header = decodeProtectedHeader(token);
    } catch {
      return undefined;
    }
    for (const key of keys) {
      const { id, algorithm } = key;
      // A key that has no id may be meant by whatever id; one that has is meant by its own alone.
      if (header.kid !== undefined && id !== undefined && header.kid !== id) continue;
      if (header.alg !== algorithm) continue;
      const payload = await this.#pace.take(algorithm, () => payloadOf(token, key));
      if (payload === undefined) return LIMITED;
      if (payload !== null) return { payload, key };
    }
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

/** What a token says that this key has signed; `null` where it has not. */
async function payloadOf(token: string, { key, algorithm }: TokenKey): Promise<Uint8Array | null> {
  try {
    return (await compactVerify(token, key, { algorithms: [algorithm] })).payload;
  } catch {
    return null;
  }
}

function idsOf(
  keyId: string | undefined,
  { jti, sub }: Partial<Pick<Claims, "jti" | "sub">> = {},
): TokenIds {
  return {
    ...(keyId === undefined ? {} : { keyId }),
    ...(jti === undefined ? {} : { tokenId: jti }),
    ...(sub === undefined ? {} : { subject: sub }),
  };
}
