/**
 * Writes frames to files and pipes.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { StreamError } from "../errors.ts";
import type { Log } from "../host/log.ts";
import { DEFAULT_FOLDER } from "./choices.ts";
import {
  extensionOf,
  frameFile,
  FrameRun,
  numbered,
  type NumberedName,
  parsePattern,
  refuseForeignName,
} from "./output.ts";
import { kindOf, makeFolderOf, partialName, place, writeError } from "./part_file.ts";
import { PIPE_BYTES } from "./pipe_backlog.ts";
import { isContainer } from "./recording.ts";
import { openRecordingSink } from "./recording_sink.ts";
import type { Sink, SinkFrame } from "./sink.ts";

const DEFAULT_DIGITS = 6;

/** Options of {@linkcode openSink}. */
export interface SinkOptions {
  /** A pattern with `%d`, a folder, a file, or `-`; `undefined` for the folder `frames`. */
  readonly output: string | undefined;
  /** Length of a file in milliseconds, after which another begins; `undefined` for one file. */
  readonly segmentMs: number | undefined;
  /** Whether files that are there may be replaced. */
  readonly overwrite: boolean;
  /** Writes to standard output. */
  readonly writeStdout: (bytes: Uint8Array) => Promise<void>;
  readonly log: Log;
}

/**
 * Opens what `options.output` names.
 *
 * @throws {StreamError} `usage` for a pattern that is none, `failed` for a file that is there or
 * cannot be made
 */
export async function openSink(options: SinkOptions): Promise<Sink> {
  const { output, overwrite, segmentMs } = options;
  if (output === "-") {
    if (segmentMs !== undefined) throw segmentError("standard output");
    return new StdoutSink(options.writeStdout);
  }
  const folder = output === undefined
    ? DEFAULT_FOLDER
    : output.endsWith("/") || (await kindOf(output)) === "folder"
    ? output.replace(/(?<=.)\/+$/, "")
    : undefined;
  if (folder !== undefined) {
    if (segmentMs !== undefined) throw segmentError(`the folder ${folder}`);
    const before = `${folder.replace(/\/$/, "")}/`;
    return new FilesSink(
      (number, config) =>
        numbered({ before, digits: DEFAULT_DIGITS, after: `.${extensionOf(config)}` }, number),
      overwrite,
    );
  }
  refuseForeignName(output!);
  const pattern = parsePattern(output!);
  const plain = output!.replaceAll("%%", "%");
  if (segmentMs !== undefined) {
    return await openRecordingSink({ name: pattern ?? numberedName(plain), segmentMs }, options);
  }
  if (pattern === undefined) return await openRecordingSink(plain, options);
  // One frame makes no such file: another begins where the stream changes.
  if (isContainer(pattern.after)) {
    return await openRecordingSink({ name: pattern, segmentMs: Infinity }, options);
  }
  return new FilesSink((number) => numbered(pattern, number), overwrite);
}

/** `x.mp4` as `x-000001.mp4` and so on. */
function numberedName(name: string): NumberedName {
  const [extension = ""] = /\.[^./]*$/.exec(name.slice(name.lastIndexOf("/") + 2)) ?? [];
  const before = `${name.slice(0, name.length - extension.length)}-`;
  return { before, digits: DEFAULT_DIGITS, after: extension };
}

function segmentError(place: string): StreamError {
  return new StreamError(
    "usage",
    `Cannot use --segment with ${place}: segments are files; give --output rec-%03d.mp4`,
  );
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

  async write({ data, config }: SinkFrame): Promise<boolean> {
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
    return true;
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }

  describe(): string {
    if (this.#number === 0) return "no file";
    return this.#number === 1 ? this.#first : `${this.#first} to ${this.#last}`;
  }
}

class StdoutSink implements Sink {
  readonly pipeBytes = PIPE_BYTES;
  readonly needsReader = true;
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  readonly #run = new FrameRun("standard output");

  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  async write({ data, config }: SinkFrame): Promise<boolean> {
    await this.#write(this.#run.next(data, config));
    return true;
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }

  describe(): string {
    return "standard output";
  }
}
