/**
 * Records a stream to one file, or to one after another.
 *
 * @module
 */
import type { StreamConfig } from "../core/frame.ts";
import { StreamError } from "../errors.ts";
import type { Log } from "../host/log.ts";
import { RecordingTimes } from "../media/recording_times.ts";
import { isSameVideo } from "../media/track.ts";
import { numbered, type NumberedName } from "./output.ts";
import { PartFile } from "./part_file.ts";
import { isContainer, openRecording, type Recording } from "./recording.ts";
import type { Sink, SinkFrame } from "./sink.ts";

/** Options of {@linkcode openRecordingSink}. */
export interface RecordingOptions {
  /** Whether files that are there may be replaced. */
  readonly overwrite: boolean;
  readonly log: Log;
}

/** Files of a recording, each of about the same length. */
export interface Segments {
  /** Their names, numbered from 1. */
  readonly name: NumberedName;
  /** Length after which the next key frame begins a new one, in milliseconds. */
  readonly segmentMs: number;
}

/**
 * Begins a recording to the file called `output`, or to segments.
 *
 * @throws {StreamError} (`failed`) for a file that is there or cannot be made
 */
export async function openRecordingSink(
  output: string | Segments,
  options: RecordingOptions,
): Promise<Sink> {
  const sink = new RecordingSink(output, options);
  await sink.open();
  return sink;
}

class RecordingSink implements Sink {
  readonly #output: string | Segments;
  readonly #options: RecordingOptions;
  readonly #times = new RecordingTimes();
  #file: PartFile | undefined;
  #recording: Recording | undefined;
  #config: StreamConfig | undefined;
  /** Time of the first frame of the file. */
  #startUs = 0;
  #number = 0;
  #finished: string[] = [];

  constructor(output: string | Segments, options: RecordingOptions) {
    this.#output = output;
    this.#options = options;
  }

  get needsReader(): boolean {
    return this.#file?.isNamedLater === false;
  }

  /** Begins the next file. */
  async open(): Promise<void> {
    const output = this.#output;
    const name = typeof output === "string" ? output : numbered(output.name, ++this.#number);
    const { overwrite, log } = this.#options;
    const file = await PartFile.open(name, overwrite);
    this.#file = file;
    this.#recording = openRecording(name);
    this.#config = undefined;
    if (file.isNamedLater && isContainer(name)) {
      log.info(`recording to ${file.partial} until it is complete`, { output: file.partial });
    }
  }

  async write(frame: SinkFrame): Promise<boolean> {
    const timeUs = this.#times.next(frame);
    if (timeUs === undefined) return false;
    if (this.#isEndedBy(frame, timeUs)) {
      await this.finish();
      await this.open();
    }
    if (this.#config === undefined) {
      this.#startUs = timeUs;
      this.#times.restart();
    }
    const { data, kind, config } = frame;
    const output = this.#recording!.write({ data, kind, config, timeUs: timeUs - this.#startUs });
    try {
      await this.#file!.write(output);
    } catch (error) {
      throw await this.#abandon(error);
    }
    this.#config = config;
    return true;
  }

  async finish(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    // A file of nothing is of no use to anybody, least of all in place of another.
    if (this.#config === undefined) return await file.discard();
    try {
      await file.write(this.#recording!.finish());
    } catch (error) {
      this.#file = file;
      throw await this.#abandon(error);
    }
    await file.finish();
    this.#finished = [this.#finished[0] ?? file.name, file.name];
  }

  describe(): string {
    const [first = this.#file?.name, last = first] = this.#finished;
    return first === last ? first ?? "no file" : `${first} to ${last}`;
  }

  /** Whether another file begins with a frame. */
  #isEndedBy({ kind, config }: SinkFrame, timeUs: number): boolean {
    const output = this.#output;
    if (typeof output === "string" || this.#config === undefined || kind !== "key") return false;
    const isFull = timeUs - this.#startUs >= output.segmentMs * 1000;
    return isFull || (isContainer(this.#file!.name) && !isSameVideo(this.#config, config));
  }

  /** Leaves a file that cannot be written any more; what a container holds of it is not lost. */
  async #abandon(error: unknown): Promise<unknown> {
    const file = this.#file!;
    this.#file = undefined;
    if (file.bytes === 0 || !file.isNamedLater || !isContainer(file.name)) {
      await file.discard();
      return error;
    }
    file.keep();
    if (!(error instanceof StreamError)) return error;
    const message = `${error.message}; the recording so far is in ${file.partial}`;
    return new StreamError(error.code, message, { cause: error });
  }
}
