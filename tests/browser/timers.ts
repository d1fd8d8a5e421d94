/**
 * A page's timers, which a test can have go off at once: whatever a page waits for, a test need not.
 *
 * @module
 */
import type { Page } from "playwright-core";

/** Runs before a page's own scripts. Clocks stay as they are; only what waits is known. */
export const TIMERS = `{
  const own = { setTimeout, clearTimeout, setInterval, clearInterval };
  const waiting = new Map();
  const wait = (begin, isOnce) => (act, ms = 0, ...given) => {
    const run = () => {
      if (isOnce) waiting.delete(id);
      act(...given);
    };
    const id = begin.call(globalThis, run, ms);
    waiting.set(id, { ms, isOnce, run });
    return id;
  };
  const forget = (end) => (id) => {
    waiting.delete(id);
    end.call(globalThis, id);
  };
  globalThis.setTimeout = wait(own.setTimeout, true);
  globalThis.setInterval = wait(own.setInterval, false);
  globalThis.clearTimeout = forget(own.clearTimeout);
  globalThis.clearInterval = forget(own.clearInterval);
  globalThis.goOff = (longestMs) => {
    const due = [...waiting].filter(([, { ms }]) => ms <= longestMs);
    for (const [id, { isOnce, run }] of due) {
      // One that went off before may have ended it.
      if (!waiting.has(id)) continue;
      if (isOnce) own.clearTimeout.call(globalThis, id);
      run();
    }
    return due.length;
  };
}`;

/**
 * Has everything go off that a page with {@linkcode TIMERS} waits for, but for what takes longer than
 * `longestMs`. Intervals go off once.
 *
 * @returns how many there were
 */
export async function goOff(page: Page, longestMs: number): Promise<number> {
  return await page.evaluate(
    (longestMs) => (globalThis as unknown as { goOff(ms: number): number }).goOff(longestMs),
    longestMs,
  );
}
