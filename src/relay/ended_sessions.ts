/**
 * Publishers that somebody has ended.
 *
 * @module
 */
import { ProtocolError } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";
import { sessionDigest } from "./session_digest.ts";

/** Most sessions that are remembered; the oldest are forgotten first. */
const MAX_SESSIONS = 1000;

/**
 * Remembers the sessions of publishers that were ended. A publisher that sends all the time may miss why its
 * connection has ended: it comes back then, and is told once more.
 */
export class EndedSessions {
  /** Why each was ended, by stream and session. */
  readonly #reasons = new Map<string, string>();

  /** Remembers that the publisher of a stream with this session was ended, and what it was told. */
  add(name: string, session: string, reason: string): void {
    this.#reasons.set(keyOf(name, session), reason);
    for (const oldest of this.#reasons.keys()) {
      if (this.#reasons.size <= MAX_SESSIONS) break;
      this.#reasons.delete(oldest);
    }
  }

  /** @throws {ProtocolError} when a publisher with this session was ended at this stream */
  check(name: string, session: string): void {
    const reason = this.#reasons.get(keyOf(name, session));
    if (reason !== undefined) throw new ProtocolError(CLOSE.ended, reason);
  }
}

function keyOf(name: string, session: string): string {
  return `${name} ${sessionDigest(session)}`;
}
