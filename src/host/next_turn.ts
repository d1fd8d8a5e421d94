/**
 * Turns of the event loop.
 *
 * @module
 */
import { setImmediate } from "node:timers";

/**
 * How long turns may follow one another without a pause, in milliseconds. Measured: while they do, Deno
 * asks the system for what has come from connections only once in 61 turns, which was 450 ms late.
 */
const DEAF_MS = 10;

/** Calls that wait for their turn, and whether one is running. */
let waiting = 0;
let isRunning = false;
/** When the event loop last had nothing to do but to listen, in milliseconds. */
let listenedMs = -Infinity;

/**
 * Calls `run` in the next turn of this thread's event loop. Where such turns follow one another for long,
 * one of them is a timer, for which the event loop waits and listens.
 */
export function nextTurn(run: () => void): void {
  const nowMs = performance.now();
  // It was not kept from listening until now.
  if (waiting === 0 && !isRunning) listenedMs = nowMs;
  waiting++;
  const isDeaf = nowMs - listenedMs >= DEAF_MS;
  const turn = () => {
    waiting--;
    if (isDeaf) listenedMs = performance.now();
    isRunning = true;
    try {
      run();
    } finally {
      isRunning = false;
    }
  };
  if (isDeaf) setTimeout(turn, 0);
  else setImmediate(turn);
}
