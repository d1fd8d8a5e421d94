/**
 * Secrets that are shared: who knows one may do what it is for.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import type { Access, Action, Ruling } from "./access.ts";
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
  const known = (Object.keys(IMPLIED) as (keyof Secrets)[]).flatMap((action) => {
    const secret = secrets[action];
    return secret === undefined ? [] : [{ hash: hashOf(secret), actions: IMPLIED[action] }];
  });
  return {
    needsToken: true,
    authorize: ({ action, token }): Ruling => {
      if (token === undefined) return faulty("none", action);
      const hash = hashOf(token);
      // All are compared, so that the time says nothing.
      const granted = known.filter((each) => timingSafeEqual(each.hash, hash))
        .flatMap(({ actions }) => actions);
      if (granted.length === 0) return faulty("wrong", action);
      return granted.includes(action) ? { decision: "allowed" } : faulty("action", action);
    },
  };
}

/** Hashes are of one length, and nobody can choose how far one is right. */
function hashOf(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
