/**
 * When a source has its frames.
 *
 * @module
 */
import { seeded } from "../../tests/e2e/random.ts";

/** Options of {@linkcode schedule}. */
export interface ScheduleOptions {
  /** Frames a second. */
  readonly fps: number;
  /** How far a frame may be from its even place, either way, in milliseconds. @default {0} */
  readonly jitterMs?: number;
  /** Which of all jitters. @default {1} */
  readonly seed?: number;
}

/** When each frame is due, in milliseconds since the first one's even place; never goes back. */
export function* schedule(options: ScheduleOptions): Generator<number, never> {
  const { fps, jitterMs = 0, seed = 1 } = options;
  const random = seeded(seed);
  let lastMs = 0;
  for (let number = 0;; number++) {
    const offMs = jitterMs * (2 * random() - 1);
    lastMs = Math.max(lastMs, number * 1000 / fps + offMs);
    yield lastMs;
  }
}
