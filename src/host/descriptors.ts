/**
 * How many files and connections this process may have open.
 *
 * @module
 */
import { setImmediate } from "node:timers";

/** What can be opened again and again, and costs nothing. */
const NOTHING = "/dev/null";
/** Files that are opened in one turn of the event loop. */
const TURN_FILES = 128;

/** At once, so that nothing else finds no room for longer than that. */
function openSome(files: Deno.FsFile[], count: number): void {
  for (; count > 0; count--) files.push(Deno.openSync(NOTHING));
}

/**
 * How many more files and connections may be opened, at most `most`: found by opening them, since no
 * smaller right tells the limit. `undefined` where that cannot be found out.
 */
export async function freeDescriptors(most: number): Promise<number | undefined> {
  const right = await Deno.permissions.query({ name: "read", path: NOTHING });
  if (Deno.build.os === "windows" || right.state !== "granted") return undefined;
  const files: Deno.FsFile[] = [];
  try {
    while (files.length < most) {
      openSome(files, Math.min(TURN_FILES, most - files.length));
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  } catch {
    // That was the limit.
  }
  for (const file of files) file.close();
  return files.length;
}
