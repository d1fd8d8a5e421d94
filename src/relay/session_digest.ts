/**
 * What viewers may know of a publisher's session.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** Hexadecimal digits of a digest. */
const DIGITS = 16;

/**
 * Stands for `session` towards viewers: whoever knows the session itself can take the stream over.
 * The same session has the same digest at every relay and in every run of it.
 */
export function sessionDigest(session: string): string {
  return createHash("sha256").update(session).digest("hex").slice(0, DIGITS);
}
