/**
 * Secrets that are shared: who knows one may do what it is for.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import type { Access, AccessQuestion, Action, Ruling } from "./access.ts";
import { faulty } from "./fault.ts";

/** A secret for each action; whoever has none for it, may not. Who may publish or govern may watch. */
export interface Secrets {
  /** Of who may publish, and watch. */
  readonly publish?: string | undefined;
  /** Of who may watch. */
  readonly watch?: string | undefined;
  /** Of who may change streams, list viewers, and watch. */
  readonly admin?: string | undefined;
  /** Of who may read the metrics. */
  readonly metrics?: string | undefined;
}

/** What else somebody may do. */
const IMPLIED: Readonly<Record<keyof Secrets, readonly Action[]>> = {
  publish: ["publish", "watch", "connect"],
  watch: ["watch", "connect"],
  admin: ["admin", "watch", "connect"],
  metrics: ["metrics"],
};

/**
 * Lets those in who know a secret.
 *
 * @example
 * ```ts
 * import { serve, sharedSecrets } from "@stream/relay";
 *
 * await using relay = await serve({
 *   port: 0,
 *   access: sharedSecrets({ publish: "camera's secret", watch: "viewers' secret" }),
 * });
 * ```
 */
export function sharedSecrets(secrets: Secrets): Access {
  return new SharedSecrets(secrets);
}

/** Most secrets of before that are remembered, to say of them that they were revoked. */
const MAX_GONE = 16;

/** Lets those in who know a secret, which may change. */
export class SharedSecrets implements Access {
  readonly needsToken = true;
  readonly #known = new Map<keyof Secrets, Buffer>();
  readonly #listeners = new Set<() => void>();
  /** What was a secret before. */
  #gone: readonly Buffer[] = [];

  constructor(secrets: Secrets) {
    for (const action of Object.keys(IMPLIED) as (keyof Secrets)[]) {
      const secret = secrets[action];
      if (secret !== undefined) this.#known.set(action, hashOf(secret));
    }
  }

  /** Takes another secret; the one before counts no longer, also of those who are there. */
  set(action: keyof Secrets, secret: string): void {
    const hash = hashOf(secret);
    const before = this.#known.get(action);
    if (before?.equals(hash)) return;
    if (before !== undefined) this.#gone = [before, ...this.#gone].slice(0, MAX_GONE);
    this.#known.set(action, hash);
    for (const listener of [...this.#listeners]) listener();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  authorize({ action, token }: AccessQuestion): Ruling {
    if (token === undefined) return faulty("none", action);
    const hash = hashOf(token);
    // All are compared, so that the time says nothing.
    const granted = [...this.#known].filter(([, known]) => timingSafeEqual(known, hash))
      .flatMap(([right]) => IMPLIED[right]);
    const wasOne = this.#gone.filter((gone) => timingSafeEqual(gone, hash)).length > 0;
    if (granted.length === 0) return faulty(wasOne ? "revoked" : "wrong", action);
    return granted.includes(action) ? { decision: "allowed" } : faulty("action", action);
  }
}

/** Hashes are of one length, and nobody can choose how far one is right. */
function hashOf(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
