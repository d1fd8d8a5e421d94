/**
 * How many files and connections this process may have open.
 *
 * @module
 */
import { closeSync, openSync } from "node:fs";
import { setImmediate } from "node:timers";

/** What can be opened again and again, and costs nothing. */
const NOTHING = "/dev/null";
/** Files that are opened or closed in one turn of the event loop. */
const TURN_FILES = 128;
/** What the system says where this process, or all together, may open no more (open(2)). */
const LIMITS: readonly unknown[] = ["EMFILE", "ENFILE"];

/** Opens and closes a file by its number. */
export interface FileOpener {
  /** Opens one; an error of the system has its name as `code`. */
  open(): number;
  close(file: number): void;
}

/**
 * Opens {@linkcode NOTHING}. Node's functions need 6 µs of CPU a file, a seventh less than Deno's; most of
 * that is the system's.
 */
const NOTHING_OPENER: FileOpener = { open: () => openSync(NOTHING, "r"), close: closeSync };

async function nextTurn(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Opens `count` files at once; false where there is no room for them. */
function openSome(files: number[], count: number, opener: FileOpener): boolean {
  try {
    for (; count > 0; count--) files.push(opener.open());
    return true;
  } catch (error) {
    if (LIMITS.includes((error as { readonly code?: unknown }).code)) return false;
    throw error;
  }
}

/**
 * How many more files `opener` can open, at most `most`; `undefined` where it fails for another reason.
 */
export async function countFree(
  most: number,
  opener: FileOpener = NOTHING_OPENER,
): Promise<number | undefined> {
  const files: number[] = [];
  let free: number | undefined;
  try {
    while (
      files.length < most && openSome(files, Math.min(TURN_FILES, most - files.length), opener)
    ) await nextTurn();
    free = files.length;
  } catch {
    // Whatever that was, it says nothing of the limit.
  }
  while (files.length > 0) {
    // The first go at once: somebody may need them.
    for (const file of files.splice(-TURN_FILES)) opener.close(file);
    await nextTurn();
  }
  return free;
}

/**
 * How many more files and connections may be opened, at most `most`: found by opening them, since no
 * smaller right tells the limit. `undefined` where that cannot be found out.
 */
export async function freeDescriptors(most: number): Promise<number | undefined> {
  const right = await Deno.permissions.query({ name: "read", path: NOTHING });
  if (Deno.build.os === "windows" || right.state !== "granted") return undefined;
  return await countFree(most);
}
