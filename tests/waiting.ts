/**
 * Waits that end: with what was waited for, or with an error that names it.
 *
 * @module
 */

/** What a test waits for comes within so many milliseconds, however busy the machine is. */
export const PATIENCE_MS = 120_000;
/** How long a condition is left alone before it is looked at again, in milliseconds. */
const POLL_MS = 5;

/** What `promise` gives; an error names `what` where that does not come within the patience. */
export async function soon<T>(
  what: string,
  promise: PromiseLike<T>,
  patienceMs: number = PATIENCE_MS,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooLate(what, patienceMs)), patienceMs);
  });
  try {
    return await Promise.race([promise, timeUp]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Looks again and again until `look` finds something, and returns it; an error names `what` where
 * that takes longer than the patience. What counts as nothing is `undefined` and `false`.
 */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  patienceMs: number = PATIENCE_MS,
): Promise<Exclude<T, undefined | false>> {
  let isOver = false;
  let pause: ReturnType<typeof setTimeout> | undefined;
  const looking = async () => {
    for (;;) {
      const found = await look();
      if (isOver || (found !== undefined && found !== false)) return found;
      await new Promise((resolve) => pause = setTimeout(resolve, POLL_MS));
    }
  };
  try {
    return await soon(what, looking(), patienceMs) as Exclude<T, undefined | false>;
  } finally {
    isOver = true;
    clearTimeout(pause);
  }
}

function tooLate(what: string, patienceMs: number): Error {
  return new Error(`waited ${patienceMs / 1000} s in vain for ${what}`);
}
