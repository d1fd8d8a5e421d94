/**
 * The frames of a file.
 *
 * @module
 */
import { messageOf, StreamError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import { isMedia } from "../media/first_bytes.ts";
import { openMedia } from "../media/media_source.ts";
import { RandomAccessFile } from "../media/random_access_file.ts";
import { TRANSPORT_PROBE_BYTES } from "../media/transport_stream.ts";
import type { Splitter } from "../split/splitter.ts";
import type { PACES } from "./choices.ts";
import { missingFile, refuseForeignSource } from "./foreign_source.ts";
import { type FilmDamagePolicy, FilmSource } from "./film_source.ts";
import { type DamagePolicy, type FrameSource, SplitSource } from "./frame_source.ts";
import { LoopedSource } from "./looped_source.ts";
import { PacedSource } from "./paced_source.ts";

/** Options of {@linkcode openFileSource}. */
export interface FileSourceOptions {
  readonly path: string;
  /** Largest frame in bytes. */
  readonly maxFrameBytes: number;
  /** Makes a splitter for what is no media file, or no regular one. */
  readonly createSplitter: () => Splitter;
  /** Whether the file may be a media file; otherwise it is what the splitter takes it for. */
  readonly mayBeMedia: boolean;
  readonly pace: typeof PACES[number];
  /** Whether the file is repeated without end. */
  readonly isLooped: boolean;
  readonly clock: Clock;
  /** What is done about bytes of which no frame can be made. */
  readonly damage: DamagePolicy & FilmDamagePolicy;
  /** Takes a sentence about what of a media file is left out. */
  readonly onNote?: (sentence: string) => void;
}

/**
 * Opens a file, a named pipe or a device.
 *
 * @throws {StreamError} `bad_input` when it cannot be read, `usage` when it cannot be repeated
 */
export async function openFileSource(options: FileSourceOptions): Promise<FrameSource> {
  const { path, clock, isLooped, pace } = options;
  const damage = { ...options.damage, isRepeated: isLooped };
  const { source, isMedia, isRegular } = await openOnce({ ...options, damage });
  if (isLooped && !isRegular) {
    source.stop();
    throw new StreamError(
      "usage",
      `Cannot repeat ${path}: it is not a regular file; leave out --loop, or give a file`,
    );
  }
  const whole = isLooped
    ? new LoopedSource(source, async () => (await openAgain({ ...options, damage })).source, path)
    : source;
  return isMedia && pace === "timestamps" ? new PacedSource(whole, clock) : whole;
}

interface OpenedSource {
  readonly source: FrameSource;
  readonly isMedia: boolean;
  readonly isRegular: boolean;
}

/** Opens the file for another round, of which everything has been said. */
function openAgain({ onNote: _onNote, ...options }: FileSourceOptions): Promise<OpenedSource> {
  return openOnce(options);
}

async function openOnce(options: FileSourceOptions): Promise<OpenedSource> {
  const { path: name, maxFrameBytes, createSplitter, mayBeMedia, damage, onNote } = options;
  const { file, info: { isFile: isRegular, size } } = await openFile(name);
  if (isRegular && size === 0) {
    file.close();
    throw readError(
      name,
      new Error("the file is empty; wait until it is written, or give another"),
    );
  }
  const media = { name, maxFrameBytes, ...onNote && { onNote } };
  if (mayBeMedia && isRegular && isMedia(await firstBytes(file, name))) {
    const source = await openMedia(new RandomAccessFile(file, size), media);
    return { source: new FilmSource(source, name, damage), isMedia: true, isRegular };
  }
  const source = new SplitSource(file.readable, createSplitter(), name, damage);
  return { source, isMedia: false, isRegular };
}

async function openFile(
  path: string,
): Promise<{ readonly file: Deno.FsFile; readonly info: Deno.FileInfo }> {
  refuseForeignSource(path);
  try {
    const file = await Deno.open(path);
    const info = await file.stat();
    if (info.isDirectory) {
      file.close();
      throw new Error(
        "it is a folder; give a file, or pipe its pictures in: " +
          `cat ${path.replace(/\/$/, "")}/*.jpg | stream publish`,
      );
    }
    return { file, info };
  } catch (cause) {
    throw readError(path, cause);
  }
}

/** The bytes that a file begins with; it is read from its start afterwards. */
async function firstBytes(file: Deno.FsFile, path: string): Promise<Uint8Array> {
  try {
    const bytes = new Uint8Array(TRANSPORT_PROBE_BYTES);
    let length = 0;
    for (
      let count: number | null = 0;
      length < bytes.length && count !== null;
      length += count ?? 0
    ) {
      count = await file.read(bytes.subarray(length));
    }
    await file.seek(0, Deno.SeekMode.Start);
    return bytes.subarray(0, length);
  } catch (cause) {
    file.close();
    throw readError(path, cause);
  }
}

function readError(path: string, cause: unknown): StreamError {
  const seen = cause instanceof Deno.errors.NotFound
    ? missingFile(path)
    : cause instanceof Deno.errors.PermissionDenied
    ? "permission denied"
    : cause instanceof Deno.errors.NotCapable
    ? `the program is not allowed to open it; let the shell open it: stream publish <${path}`
    : cause instanceof Deno.errors.NotADirectory
    ? "part of the path is a file, not a folder"
    : messageOf(cause);
  return new StreamError("bad_input", `Cannot read ${path}: ${seen}`, { cause });
}
