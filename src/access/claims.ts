/**
 * What a signed token says (RFC 7519), and what it permits.
 *
 * @module
 */
import type { Action } from "./access.ts";
import { arePatterns, matches } from "./pattern.ts";

/** Patterns of the streams for each action. */
export interface Grants {
  readonly publish: readonly string[];
  readonly watch: readonly string[];
  readonly admin: readonly string[];
  readonly metrics: readonly string[];
}

/** What a token says. Times are in seconds since the Unix epoch. */
export interface Claims extends Grants {
  readonly exp: number | undefined;
  readonly nbf: number | undefined;
  readonly jti: string | undefined;
  readonly sub: string | undefined;
}

const GRANTS = ["publish", "watch", "admin", "metrics"] as const;
const TIMES = ["exp", "nbf", "iat"] as const;
const TEXTS = ["jti", "kid", "sub"] as const;
const KNOWN: readonly string[] = [...GRANTS, ...TIMES, ...TEXTS];
/** Longest text of a claim, in characters. */
const MAX_TEXT = 256;

/**
 * Reads the claims of a token whose signature is right.
 *
 * @throws {Error} with a clause that says what is wrong
 */
export function readClaims(payload: unknown): Claims {
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) {
    throw new Error("the token has no claims");
  }
  const claims = payload as Record<string, unknown>;
  for (const [name, value] of Object.entries(claims)) {
    // It may take back what the others give.
    if (!KNOWN.includes(name)) {
      throw new Error(`the token has a claim that the relay does not know`);
    }
    if (!isFit(name, value)) throw new Error(`the token's claim ${name} has no fit value`);
  }
  const patterns = (name: typeof GRANTS[number]) => patternsOf(claims[name]);
  return {
    publish: patterns("publish"),
    watch: patterns("watch"),
    admin: patterns("admin"),
    metrics: patterns("metrics"),
    exp: claims.exp as number | undefined,
    nbf: claims.nbf as number | undefined,
    jti: claims.jti as string | undefined,
    sub: claims.sub as string | undefined,
  };
}

/** Why a token that says this does not permit that, or `undefined` where it does. */
export function grantFault(
  { publish, watch, admin, metrics }: Grants,
  action: Action,
  stream: string | undefined,
): "action" | "stream" | undefined {
  const patterns = {
    publish,
    watch: [...watch, ...publish, ...admin],
    admin,
    metrics,
    connect: [...watch, ...publish, ...admin],
  }[action];
  if (matches(patterns, stream)) return undefined;
  return patterns.length === 0 ? "action" : "stream";
}

function isFit(name: string, value: unknown): boolean {
  if ((TIMES as readonly string[]).includes(name)) {
    return typeof value === "number" && Number.isFinite(value) && Math.abs(value) <= 1e12;
  }
  if ((TEXTS as readonly string[]).includes(name)) {
    return typeof value === "string" && value.length <= MAX_TEXT;
  }
  return typeof value === "boolean" || arePatterns(Array.isArray(value) ? value : [value]);
}

function patternsOf(value: unknown): readonly string[] {
  if (value === undefined || value === false) return [];
  if (value === true) return ["*"];
  return (Array.isArray(value) ? value : [value]) as readonly string[];
}
