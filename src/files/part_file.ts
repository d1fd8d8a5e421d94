/**
 * Files that appear whole or not at all.
 *
 * @module
 */
import { messageOf, StreamError } from "../errors.ts";
import { ReaderGone, writeAll } from "../host/host.ts";
import type { Output } from "../media/media_writer.ts";

/** A file under a hidden name beside its own, which it gets when it is whole. */
export class PartFile {
  /** Its own name. */
  readonly name: string;
  /** Where the bytes go first; the name itself for a device or a named pipe. */
  readonly partial: string;
  readonly #file: Deno.FsFile;
  readonly #overwrite: boolean;
  #bytes = 0;

  private constructor(
    name: string,
    { partial, file, overwrite }: {
      readonly partial: string;
      readonly file: Deno.FsFile;
      readonly overwrite: boolean;
    },
  ) {
    this.name = name;
    this.partial = partial;
    this.#file = file;
    this.#overwrite = overwrite;
  }

  /**
   * Begins a file.
   *
   * @throws {StreamError} (`failed`) when it is there and may not be replaced, or cannot be made
   */
  static async open(name: string, overwrite: boolean): Promise<PartFile> {
    const kind = await kindOf(name);
    if (kind === "file" && !overwrite) throw existsError(name);
    const isDevice = kind === "device";
    const partial = isDevice ? name : partialName(name);
    if (!isDevice) await makeFolderOf(name);
    try {
      const file = await Deno.open(partial, { write: true, create: !isDevice });
      if (!isDevice) await file.truncate();
      return new PartFile(name, { partial, file, overwrite });
    } catch (error) {
      throw writeError(name, error);
    }
  }

  /** Whether it has a name to get: it is no device. */
  get isNamedLater(): boolean {
    return this.partial !== this.name;
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Writes behind what is there, and over what was written before where the file allows it.
   *
   * @throws {StreamError} (`failed`) when it cannot
   */
  async write({ append, patches }: Output): Promise<void> {
    try {
      for (const bytes of append) {
        await writeAll(this.#file, bytes);
        this.#bytes += bytes.length;
      }
      if (patches.length === 0 || !this.isNamedLater) return;
      for (const { at, bytes } of patches) {
        await this.#file.seek(at, Deno.SeekMode.Start);
        await writeAll(this.#file, bytes);
      }
      await this.#file.seek(0, Deno.SeekMode.End);
    } catch (error) {
      throw writeError(this.name, error);
    }
  }

  /**
   * Ends the file and gives it its name.
   *
   * @throws {StreamError} (`failed`) when it cannot
   */
  async finish(): Promise<void> {
    this.#file.close();
    if (!this.isNamedLater) return;
    try {
      await place(this.partial, this.name, this.#overwrite);
    } catch (error) {
      throw writeError(this.name, error);
    }
  }

  /** Ends the file and removes it. */
  async discard(): Promise<void> {
    this.keep();
    if (this.isNamedLater) await Deno.remove(this.partial).catch(() => {});
  }

  /** Ends the file and leaves it under its hidden name. */
  keep(): void {
    this.#file.close();
  }
}

/** What `path` names: nothing, a folder, a file, or a device (also a named pipe). */
export async function kindOf(path: string): Promise<"none" | "folder" | "file" | "device"> {
  try {
    const info = await Deno.stat(path);
    return info.isDirectory ? "folder" : info.isFile ? "file" : "device";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "none";
    throw writeError(path, error);
  }
}

/** Makes the folder that a file is to be in. */
export async function makeFolderOf(name: string): Promise<void> {
  const end = name.lastIndexOf("/");
  if (end <= 0) return;
  try {
    await Deno.mkdir(name.slice(0, end), { recursive: true });
  } catch (error) {
    // Only a file can be in the way of a folder that may be there already.
    const isFile = error instanceof Deno.errors.AlreadyExists;
    throw writeError(name, isFile ? new Deno.errors.NotADirectory() : error);
  }
}

/** Gives a whole file its name; a hard link fails where the name is taken, a rename would not. */
export async function place(partial: string, name: string, overwrite: boolean): Promise<void> {
  if (overwrite) return await Deno.rename(partial, name);
  try {
    await Deno.link(partial, name);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) throw error;
    // Some file systems have no hard links.
    if ((await kindOf(name)) !== "none") throw new Deno.errors.AlreadyExists(name);
    return await Deno.rename(partial, name);
  }
  await Deno.remove(partial);
}

/** The hidden name of a file that is being written. */
export function partialName(name: string): string {
  const start = name.lastIndexOf("/") + 1;
  return `${name.slice(0, start)}.${name.slice(start)}.${Deno.pid}.part`;
}

function existsError(name: string, cause?: unknown): StreamError {
  return new StreamError(
    "failed",
    `Cannot write ${name}: it already exists; use --overwrite or another --output`,
    { cause },
  );
}

/** Says why `name` could not be written; a pipe that is closed is no error. */
export function writeError(name: string, cause: unknown): StreamError | ReaderGone {
  if (cause instanceof StreamError || cause instanceof ReaderGone) return cause;
  if (cause instanceof Deno.errors.BrokenPipe) return new ReaderGone(name, { cause });
  if (cause instanceof Deno.errors.AlreadyExists) return existsError(name, cause);
  const text = messageOf(cause);
  const seen = /os error 28\b/.test(text)
    ? "the disk is full; free some space, or write fewer frames with --every or --count"
    : cause instanceof Deno.errors.PermissionDenied
    ? "permission denied"
    : cause instanceof Deno.errors.NotADirectory
    ? "part of the path is a file, not a folder"
    : cause instanceof Deno.errors.NotCapable
    ? `the program is not allowed to open it; write to standard output instead: -o - >${name}`
    : text;
  return new StreamError("failed", `Cannot write ${name}: ${seen}`, { cause });
}
