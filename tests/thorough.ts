/**
 * What `deno task test` leaves to `deno task test:all`, so that it takes minutes: `TEST_ALL=1` runs
 * everything. Both run the same files; a test that is left out, or does less, says so in its name.
 *
 * @module
 */
import { needs } from "./ffmpeg.ts";

/** Whether everything is tested, as by `deno task test:all`. */
export const TESTS_ALL: boolean = Deno.env.get("TEST_ALL") === "1";

/** How many random cases are tried: all of them, or the first tenth, the same ones each time. */
export function cases(all: number): number {
  return TESTS_ALL ? all : Math.ceil(all / 10);
}

/** As `needs`, for a test that only `deno task test:all` runs. */
export function thorough(
  missing: string | undefined,
  name: string,
): { readonly name: string; readonly ignore: boolean } {
  if (TESTS_ALL) return needs(missing, name);
  return { name: `${name} (left to deno task test:all)`, ignore: true };
}
