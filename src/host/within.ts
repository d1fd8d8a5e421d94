/**
 * Waiting with a limit.
 *
 * @module
 */

/**
 * What `promise` gives within so many milliseconds, else `undefined`. Its timer is gone as soon as
 * the promise is settled, so that this may stand in a loop.
 */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([promise, timeUp]);
  } finally {
    clearTimeout(timer);
  }
}
