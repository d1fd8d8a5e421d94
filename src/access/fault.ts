/**
 * What is wrong with a token, in words.
 *
 * @module
 */
import type { AccessFault, Action, Ruling } from "./access.ts";

const CLAUSES: Readonly<Record<AccessFault, (action: Action) => string>> = {
  none: (action) => `${action} needs a token, and none came`,
  wrong: () => "the token is wrong",
  revoked: () => "the token was revoked",
  expired: () => "the token has expired",
  early: () => "the token is not valid yet",
  action: (action) => `the token is not for this action (${action})`,
  stream: () => "the token is not for this stream",
};

/** The ruling against somebody whose token has that fault. */
export function faulty(
  fault: AccessFault,
  action: Action,
  known: Pick<Ruling, "keyId" | "tokenId"> = {},
): Ruling {
  const isKnown = fault === "action" || fault === "stream";
  return {
    decision: isKnown ? "forbidden" : "unknown",
    fault,
    why: CLAUSES[fault](action),
    ...known,
  };
}
