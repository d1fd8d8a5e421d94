/**
 * Makes keys and tokens.
 *
 * @module
 */
import { CompactSign, exportJWK, generateSecret } from "jose";
import { readClaims } from "./claims.ts";
import { readKeys } from "./token_keys.ts";

/** What a token is for, by patterns of streams; absent: not for that. */
export interface PatternClaims {
  readonly publish?: readonly string[] | undefined;
  readonly watch?: readonly string[] | undefined;
  readonly admin?: readonly string[] | undefined;
  readonly metrics?: readonly string[] | undefined;
}

/** A new key (HS256) as a JWK. */
export async function newKey(): Promise<string> {
  const jwk = await exportJWK(await generateSecret("HS256", { extractable: true }));
  const key = { ...jwk, alg: "HS256", use: "sig", kid: crypto.randomUUID() };
  return `${JSON.stringify(key, undefined, 2)}\n`;
}

/**
 * Signs a token with the first key in a file's text. `expiresMs`: how long it holds.
 *
 * @throws {Error} with a clause that says what is wrong
 */
export async function signToken(
  keyText: string,
  { publish, watch, admin, metrics }: PatternClaims,
  { nowMs, expiresMs }: { readonly nowMs: number; readonly expiresMs?: number },
): Promise<{ readonly token: string; readonly tokenId: string }> {
  const [first] = await readKeys(keyText, "sign");
  const { id, algorithm, key } = first!;
  const tokenId = crypto.randomUUID();
  const nowS = Math.floor(nowMs / 1000);
  const claims = {
    publish,
    watch,
    admin,
    metrics,
    iat: nowS,
    jti: tokenId,
    ...(expiresMs === undefined ? {} : { exp: nowS + Math.ceil(expiresMs / 1000) }),
  };
  const payload = JSON.stringify(claims);
  readClaims(JSON.parse(payload));
  const token = await new CompactSign(new TextEncoder().encode(payload))
    .setProtectedHeader({ alg: algorithm, typ: "JWT", ...(id === undefined ? {} : { kid: id }) })
    .sign(key);
  return { token, tokenId };
}
