/**
 * Who may come in: how many at once, and how often.
 *
 * @module
 */
import { systemClock } from "../host/clock.ts";
import { isLoopbackAddress, Networks, siteOf } from "./addresses.ts";
import type { ListenLimits } from "./limits.ts";
import type { Refusal, Refusals } from "./refusals.ts";

/** Places of a table for addresses: two that share one are counted together. */
const PLACES = 32_768;
/** Where a thread's row has all its connections, behind those and the handshakes by address. */
const ALL = 2 * PLACES;
/** Where it has the second of which its handshakes are. */
const SECOND = ALL + 1;
const ROW = SECOND + 1;
/** What stands before the rows: a number that nobody outside can guess, and the most connections. */
const HEAD = 2;

/** How long whoever is refused had better wait, in seconds. */
const RETRY_AFTER_S = { connections: 10, address: 10, handshakes: 1 } as const;
const STATUS = { connections: 503, address: 429, handshakes: 429 } as const;
const STATUS_TEXT = { 503: "Service Unavailable", 429: "Too Many Requests" } as const;

/** Why somebody may not come in. */
export interface GateRefusal {
  readonly status: 429 | 503;
  readonly statusText: string;
  readonly sentence: string;
  readonly retryAfterS: number;
}

/** Room for the counts of so many threads, which they share. */
export function sharedVisits(threads: number): SharedArrayBuffer {
  const shared = new SharedArrayBuffer((HEAD + ROW * threads) * Uint32Array.BYTES_PER_ELEMENT);
  crypto.getRandomValues(new Uint32Array(1)).forEach((seed) => new Uint32Array(shared)[0] = seed);
  return shared;
}

/** Lets no more connections in than the system has room for. */
export function capVisits(visits: SharedArrayBuffer, connections: number): void {
  new Uint32Array(visits)[1] = connections;
}

/** Forgets what a thread that is no more has counted. */
export function clearVisits(visits: SharedArrayBuffer, own: number): void {
  new Uint32Array(visits).fill(0, HEAD + own * ROW, HEAD + (own + 1) * ROW);
}

function systemNowS(): number {
  return Math.floor(systemClock.wallUs() / 1_000_000);
}

/** What a {@linkcode Gate} works with. */
export interface GateOptions {
  readonly limits: ListenLimits;
  readonly refusals: Refusals;
  /** Whole seconds on a clock that all threads share. @default the system's */
  readonly nowS?: () => number;
  /** What all threads count together. Absent: there is only this one. */
  readonly visits?: SharedArrayBuffer;
  /** This thread's place in that. @default {0} */
  readonly own?: number;
}

/**
 * Counts connections and handshakes, of all threads together: each writes its own row and reads all.
 * Addresses are counted in places that a hash finds, so that however many come, no more memory is used.
 */
export class Gate {
  readonly #limits: ListenLimits;
  readonly #refusals: Refusals;
  readonly #proxies: Networks;
  readonly #nowS: () => number;
  readonly #counts: Uint32Array;
  /** Where this thread's row begins. */
  readonly #row: number;

  constructor(
    { limits, refusals, nowS = systemNowS, visits = sharedVisits(1), own = 0 }: GateOptions,
  ) {
    this.#limits = limits;
    this.#refusals = refusals;
    this.#proxies = new Networks(limits.trustedProxies);
    this.#nowS = nowS;
    this.#counts = new Uint32Array(visits);
    this.#row = HEAD + own * ROW;
  }

  /** Who asks, where `address` may be a proxy. */
  clientOf(address: string, forwardedFor: string | null): string {
    return this.#proxies.clientOf(address, forwardedFor);
  }

  /** Counts a connection in, until it {@linkcode leaves}; or says why it may not be. */
  enter(address: string): GateRefusal | undefined {
    // 0: nobody has said so.
    const room = this.#counts[1]! || Infinity;
    const maxConnections = Math.min(this.#limits.maxConnections, room);
    if (this.#total(ALL) >= maxConnections) {
      return this.#refuse("connections", "", `it has ${maxConnections} (--max-connections)`);
    }
    const refused = this.visit(address);
    if (refused === undefined) this.#counts[this.#row + ALL]! += 1;
    return refused;
  }

  /** Counts a connection out. */
  leave(address: string): void {
    this.#decrease(ALL);
    this.endVisit(address);
  }

  /** Counts somebody in who comes by a connection that others share; or says why he may not be. */
  visit(address: string): GateRefusal | undefined {
    if (this.#isExempt(address)) return;
    const { maxPerAddress } = this.#limits;
    const place = this.#placeOf(address);
    if (this.#total(place) >= maxPerAddress) {
      return this.#refuse("address", address, `it has ${maxPerAddress} (--max-per-address)`);
    }
    this.#counts[this.#row + place]! += 1;
  }

  /** Counts him out. */
  endVisit(address: string): void {
    if (!this.#isExempt(address)) this.#decrease(this.#placeOf(address));
  }

  /** Counts a handshake; or says why it is one too many. */
  handshake(address: string): GateRefusal | undefined {
    if (this.#isExempt(address)) return;
    const second = this.#nowS();
    if (this.#counts[this.#row + SECOND] !== second) {
      this.#counts[this.#row + SECOND] = second;
      this.#counts.fill(0, this.#row + PLACES, this.#row + 2 * PLACES);
    }
    const { maxHandshakes } = this.#limits;
    const place = PLACES + this.#placeOf(address);
    if (this.#total(place, second) >= maxHandshakes) {
      const seen = `it had ${maxHandshakes} handshakes within a second (--max-handshakes)`;
      return this.#refuse("handshakes", address, seen);
    }
    this.#counts[this.#row + place]! += 1;
  }

  /** What all threads have counted in a place; with a `second`, those of which the row is of it. */
  #total(place: number, second?: number): number {
    let total = 0;
    for (let row = HEAD; row < this.#counts.length; row += ROW) {
      if (second !== undefined && this.#counts[row + SECOND] !== second) continue;
      total += this.#counts[row + place]!;
    }
    return total;
  }

  /** Not below nothing: what a thread has counted may have been forgotten. */
  #decrease(place: number): void {
    const at = this.#row + place;
    if (this.#counts[at]! > 0) this.#counts[at]! -= 1;
  }

  /** This machine, and proxies, which are many. An address that is not known is nobody's. */
  #isExempt(address: string): boolean {
    return address === "" || isLoopbackAddress(address) || this.#proxies.has(address);
  }

  /** FNV-1a (Fowler, Noll, Vo) of an address's site, from a number that nobody outside knows. */
  #placeOf(address: string): number {
    let hash = this.#counts[0]!;
    const site = siteOf(address);
    for (let at = 0; at < site.length; at++) {
      hash = Math.imul(hash ^ site.charCodeAt(at), 16_777_619);
    }
    return (hash ^ (hash >>> 15)) & (PLACES - 1);
  }

  #refuse(reason: Refusal & keyof typeof STATUS, address: string, seen: string): GateRefusal {
    const whose = address === "" ? "" : ` of ${siteOf(address)}`;
    this.#refusals.add(reason, `refused a connection${whose}: ${seen}`);
    const status = STATUS[reason];
    const sentence = address === ""
      ? `Cannot take this connection in: the relay has as many as it may (--max-connections)\n`
      : `Cannot take this connection in: ${siteOf(address)} has too many; ${seen}\n`;
    return {
      status,
      statusText: STATUS_TEXT[status],
      sentence,
      retryAfterS: RETRY_AFTER_S[reason],
    };
  }
}

/** The answer that refuses a request. */
export function refusedAtGate({ status, sentence, retryAfterS }: GateRefusal): Response {
  return new Response(sentence, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "retry-after": String(retryAfterS),
      connection: "close",
    },
  });
}
