/**
 * How many wrong tokens an address has sent.
 *
 * @module
 */
import { isLoopbackAddress, Networks, siteOf } from "../listen/addresses.ts";

/** Most wrong tokens of one address within {@linkcode WINDOW_S}. */
export const MAX_FAILURES = 30;
/** For how long wrong tokens are counted from the first one, in seconds. */
export const WINDOW_S = 60;
/** Most addresses that are counted; the one that came first is forgotten. */
const MAX_SITES = 10_000;

/** Counts wrong tokens by address; this machine and proxies, which are many, are not counted. */
export class Failures {
  readonly #proxies: Networks;
  readonly #nowS: () => number;
  readonly #sites = new Map<string, { count: number; readonly sinceS: number }>();

  constructor(trustedProxies: readonly string[], nowS: () => number) {
    this.#proxies = new Networks(trustedProxies);
    this.#nowS = nowS;
  }

  /** For how many seconds nothing is taken from an address; 0 where it may try. */
  waitS(address: string): number {
    if (this.#sites.size === 0) return 0;
    const site = siteOf(address);
    const seen = this.#sites.get(site);
    if (seen === undefined) return 0;
    // A clock that was set back starts anew.
    const passedS = this.#nowS() - seen.sinceS;
    if (passedS >= WINDOW_S || passedS < 0) this.#sites.delete(site);
    else if (seen.count >= MAX_FAILURES) return Math.ceil(WINDOW_S - passedS);
    return 0;
  }

  /** Counts a wrong token. */
  add(address: string): void {
    if (address === "" || isLoopbackAddress(address) || this.#proxies.has(address)) return;
    const site = siteOf(address);
    const seen = this.#sites.get(site);
    if (seen !== undefined) {
      seen.count++;
      return;
    }
    if (this.#sites.size >= MAX_SITES) {
      for (const first of this.#sites.keys()) {
        this.#sites.delete(first);
        break;
      }
    }
    this.#sites.set(site, { count: 1, sinceS: this.#nowS() });
  }
}
