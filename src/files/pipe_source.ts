/**
 * The frames of a pipe, which may be MPEG-TS.
 *
 * @module
 */
import { Assembly } from "../bytes/assembly.ts";
import { messageOf, StreamError } from "../errors.ts";
import { within } from "../host/within.ts";
import type { MediaOptions } from "../media/media_reader.ts";
import { type TransportInput, TransportSource } from "../media/transport_source.ts";
import { mayHavePackets, TRANSPORT_PROBE_BYTES } from "../media/transport_stream.ts";
import { FormatSearch } from "../split/format_search.ts";
import type { Splitter } from "../split/splitter.ts";
import { type FilmDamagePolicy, FilmSource } from "./film_source.ts";
import { layoutOf, mayBeTransport } from "./first_bytes.ts";
import {
  type DamagePolicy,
  type FrameSource,
  IDLE_MS,
  type SourceFrame,
  SplitSource,
} from "./frame_source.ts";

export { STANDARD_INPUT } from "../media/messages.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Options of a {@linkcode PipeSource}; frames of MPEG-TS have the same limit as others. */
export interface PipeSourceOptions extends MediaOptions {
  readonly input: ReadableStream<Bytes>;
  /** Splits what is no MPEG-TS. */
  readonly splitter: Splitter;
  readonly damage: DamagePolicy & FilmDamagePolicy;
}

/** Looks at the first bytes of a pipe, and reads the rest as what they are. */
export class PipeSource implements FrameSource {
  readonly #options: PipeSourceOptions;
  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  #source: FrameSource | undefined;
  #isStopped = false;

  constructor(options: PipeSourceOptions) {
    this.#options = options;
    this.#reader = options.input.getReader();
  }

  get damaged(): number {
    return this.#source?.damaged ?? 0;
  }

  async next(): Promise<SourceFrame | undefined> {
    try {
      this.#source ??= await this.#open();
    } catch (error) {
      if (this.#isStopped) return undefined;
      throw error;
    }
    return await this.#source?.next();
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#source !== undefined) return this.#source.stop();
    // A read that hangs in the system is left behind.
    this.#reader.cancel().catch(() => {});
  }

  async #open(): Promise<FrameSource | undefined> {
    const { input, splitter, damage, name } = this.#options;
    const first = new Assembly();
    let isEnded = false;
    for (const search = new FormatSearch(); !isEnded && isUndecided(first.bytes, search);) {
      const { value } = await this.#read();
      if (value === undefined) isEnded = true;
      else first.append(value);
    }
    if (this.#isStopped) return undefined;
    const layout = layoutOf(first.bytes);
    if (layout !== undefined) {
      const bytes = first.bytes.slice(layout.start);
      const reader = await TransportSource.open(this.#inputBehind(bytes), layout, this.#options);
      if (this.#isStopped) reader.stop();
      return new FilmSource(reader, name, damage);
    }
    if (first.length > 0) splitter.push(first.bytes);
    this.#reader.releaseLock();
    return new SplitSource(input, splitter, name, damage);
  }

  async #read(): Promise<ReadableStreamReadResult<Bytes>> {
    try {
      return await this.#reader.read();
    } catch (cause) {
      const { name } = this.#options;
      throw new StreamError("bad_input", `Cannot read ${name}: ${messageOf(cause)}`, { cause });
    }
  }

  /** The pipe as it comes behind the bytes that were read. */
  #inputBehind(first: Bytes): TransportInput {
    let read: Bytes | undefined = first;
    let pending: Promise<ReadableStreamReadResult<Bytes>> | undefined;
    let isIdle = false;
    return {
      isLive: true,
      read: async () => {
        const bytes = read;
        read = undefined;
        if (bytes !== undefined) return bytes;
        pending ??= this.#read();
        const result = isIdle ? await pending : await within(IDLE_MS, pending);
        isIdle = result === undefined;
        if (result === undefined) return "idle";
        pending = undefined;
        return result.value;
      },
      close: () => this.#reader.cancel(),
    };
  }
}

/** Whether more bytes may show that a pipe that begins with these is MPEG-TS. */
function isUndecided(bytes: Uint8Array, search: FormatSearch): boolean {
  if (bytes.length >= TRANSPORT_PROBE_BYTES || !mayBeTransport(bytes)) return false;
  return mayHavePackets(bytes) || search.next(bytes) === undefined;
}
