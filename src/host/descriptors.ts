/**
 * How many files and connections this process may have open.
 *
 * @module
 */
import { closeSync, openSync } from "node:fs";

/** What can be opened again and again, and costs nothing. */
const NOTHING = "/dev/null";
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

/**
 * How many more files `opener` can open, at most `most`; `undefined` where it fails for another reason.
 */
export function countFree(most: number, opener: FileOpener = NOTHING_OPENER): number | undefined {
  const files: number[] = [];
  try {
    while (files.length < most) files.push(opener.open());
  } catch (error) {
    // Whatever else that was, it says nothing of the limit.
    if (!LIMITS.includes((error as { readonly code?: unknown }).code)) return undefined;
  } finally {
    for (const file of files) opener.close(file);
  }
  return files.length;
}

/**
 * How many more files and connections may be opened, at most `most`: found by opening them, since no
 * smaller right tells the limit. `undefined` where that cannot be found out. For that moment nobody else
 * finds a file: it is no question to ask where others are at work.
 */
export function freeDescriptors(most: number): number | undefined {
  const { state } = Deno.permissions.querySync({ name: "read", path: NOTHING });
  return Deno.build.os === "windows" || state !== "granted" ? undefined : countFree(most);
}
