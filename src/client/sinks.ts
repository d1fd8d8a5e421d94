/**
 * Writes frames to files and pipes.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { messageOf, StreamError } from "../errors.ts";
import { extensionOf, frameFile, FrameRun, numbered, parsePattern } from "./output.ts";

/** The folder that frames go to where nothing else is said. */
export const DEFAULT_FOLDER = "frames";
const DEFAULT_DIGITS = 6;

/** Takes frames one by one. */
export interface Sink {
  /**
   * Writes a frame.
   *
   * @throws {StreamError} (`failed`) when it cannot be written
   */
  write(data: Uint8Array<ArrayBuffer>, config: StreamConfig): Promise<void>;
  /** Brings what has been written to its place. */
  finish(): Promise<void>;
  /** Where the frames are, for people. */
  describe(): string;
}

/** Options of {@linkcode openSink}. */
export interface SinkOptions {
  /** A pattern with `%d`, a folder, a file, or `-`; `undefined` for the folder `frames`. */
  readonly output: string | undefined;
  /** Whether files that are there may be replaced. */
  readonly overwrite: boolean;
  /** Writes to standard output. */
  readonly writeStdout: (bytes: Uint8Array) => Promise<void>;
}

/**
 * Opens what `options.output` names.
 *
 * @throws {StreamError} `usage` for a pattern that is none, `failed` for a file that is there or
 * cannot be made
 */
export async function openSink(options: SinkOptions): Promise<Sink> {
  const { output, overwrite } = options;
  if (output === "-") return new StdoutSink(options.writeStdout);
  const folder = output === undefined
    ? DEFAULT_FOLDER
    : output.endsWith("/") || (await kindOf(output)) === "folder"
    ? output.replace(/(?<=.)\/+$/, "")
    : undefined;
  if (folder !== undefined) {
    const before = `${folder.replace(/\/$/, "")}/`;
    return new FilesSink(
      (number, config) =>
        numbered({ before, digits: DEFAULT_DIGITS, after: `.${extensionOf(config)}` }, number),
      overwrite,
    );
  }
  const pattern = parsePattern(output!);
  if (pattern !== undefined) return new FilesSink((number) => numbered(pattern, number), overwrite);
  return await openFile(output!.replaceAll("%%", "%"), overwrite);
}

/** A file for each frame: whole or not there. */
class FilesSink implements Sink {
  readonly #nameOf: (number: number, config: StreamConfig) => string;
  readonly #overwrite: boolean;
  #number = 0;
  #first = "";
  #last = "";

  constructor(nameOf: (number: number, config: StreamConfig) => string, overwrite: boolean) {
    this.#nameOf = nameOf;
    this.#overwrite = overwrite;
  }

  async write(data: Uint8Array<ArrayBuffer>, config: StreamConfig): Promise<void> {
    const name = this.#nameOf(this.#number + 1, config);
    const bytes = frameFile(name, data, config);
    const partial = partialName(name);
    if (this.#number === 0) await makeFolderOf(name);
    try {
      await Deno.writeFile(partial, bytes);
      await place(partial, name, this.#overwrite);
    } catch (error) {
      await Deno.remove(partial).catch(() => {});
      throw writeError(name, error);
    }
    this.#number++;
    this.#first ||= name;
    this.#last = name;
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }

  describe(): string {
    if (this.#number === 0) return "no file";
    return this.#number === 1 ? this.#first : `${this.#first} to ${this.#last}`;
  }
}

/** One file for all frames, which gets its name when it is whole. */
class FileSink implements Sink {
  readonly #name: string;
  /** Where the bytes go first; the name itself for a device or a named pipe. */
  readonly #partial: string;
  readonly #overwrite: boolean;
  readonly #file: Deno.FsFile;
  readonly #run: FrameRun;
  #isFailed = false;

  constructor(name: string, partial: string, file: Deno.FsFile, overwrite: boolean) {
    this.#name = name;
    this.#partial = partial;
    this.#file = file;
    this.#overwrite = overwrite;
    this.#run = new FrameRun(name);
  }

  async write(data: Uint8Array<ArrayBuffer>, config: StreamConfig): Promise<void> {
    const bytes = this.#run.next(data, config);
    try {
      for (let start = 0; start < bytes.length;) {
        start += await this.#file.write(bytes.subarray(start));
      }
    } catch (error) {
      this.#isFailed = true;
      throw writeError(this.#name, error);
    }
  }

  async finish(): Promise<void> {
    this.#file.close();
    if (this.#partial === this.#name) return;
    if (this.#isFailed) return await Deno.remove(this.#partial).catch(() => {});
    try {
      await place(this.#partial, this.#name, this.#overwrite);
    } catch (error) {
      throw writeError(this.#name, error);
    }
  }

  describe(): string {
    return this.#name;
  }
}

class StdoutSink implements Sink {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  readonly #run = new FrameRun("standard output");

  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  async write(data: Uint8Array<ArrayBuffer>, config: StreamConfig): Promise<void> {
    await this.#write(this.#run.next(data, config));
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }

  describe(): string {
    return "standard output";
  }
}

async function openFile(name: string, overwrite: boolean): Promise<Sink> {
  const kind = await kindOf(name);
  if (kind === "file" && !overwrite) throw existsError(name);
  const target = kind === "device" ? name : partialName(name);
  if (kind !== "device") await makeFolderOf(name);
  try {
    const file = await Deno.open(target, { write: true, create: kind !== "device" });
    if (kind !== "device") await file.truncate();
    return new FileSink(name, target, file, overwrite);
  } catch (error) {
    throw writeError(name, error);
  }
}

/** What `path` names: nothing, a folder, a file, or a device (also a named pipe). */
async function kindOf(path: string): Promise<"none" | "folder" | "file" | "device"> {
  try {
    const info = await Deno.stat(path);
    return info.isDirectory ? "folder" : info.isFile ? "file" : "device";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "none";
    throw writeError(path, error);
  }
}

async function makeFolderOf(name: string): Promise<void> {
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
async function place(partial: string, name: string, overwrite: boolean): Promise<void> {
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

function partialName(name: string): string {
  const start = name.lastIndexOf("/") + 1;
  return `${name.slice(0, start)}.${name.slice(start)}.${Deno.pid}.part`;
}

function existsError(name: string, cause?: unknown): StreamError {
  return new StreamError(
    "failed",
    `Cannot write ${name}: it exists already; use --overwrite or another --output`,
    { cause },
  );
}

/** Says why `name` could not be written. */
export function writeError(name: string, cause: unknown): StreamError {
  if (cause instanceof StreamError) return cause;
  if (cause instanceof Deno.errors.AlreadyExists) return existsError(name, cause);
  const text = messageOf(cause);
  const seen = cause instanceof Deno.errors.BrokenPipe
    ? "whoever read it has gone"
    : /os error 28\b/.test(text)
    ? "no space is left on the disk; free some, or write fewer frames with --every or --count"
    : cause instanceof Deno.errors.PermissionDenied
    ? "the system does not permit it"
    : cause instanceof Deno.errors.NotADirectory
    ? "a part of the path is a file, not a folder"
    : cause instanceof Deno.errors.NotCapable
    ? `the program may not open it; write to standard output instead: -o - >${name}`
    : text;
  return new StreamError("failed", `Cannot write ${name}: ${seen}`, { cause });
}
