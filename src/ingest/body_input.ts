/**
 * The body of a request as an input.
 *
 * @module
 */
import type { ByteTurns } from "../listen/byte_turns.ts";
import type { Sender, UnfinishedMessages } from "../listen/unfinished.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Looks in a row that must find nothing: a relay that stood still has looked only once meanwhile. */
const LOOKS = 10;

/** Options of a {@linkcode BodyInput}. */
export interface BodyInputOptions {
  readonly body: ReadableStream<Bytes>;
  /** How long nothing may come while something is waited for, in milliseconds. */
  readonly stallTimeoutMs: number;
  /** Where bytes count of which no frame has been made. */
  readonly unfinished: UnfinishedMessages;
  /** Which it shares with other bodies. */
  readonly turns: ByteTurns;
}

/**
 * Reads a body as it is wanted. A connection that just ends is the end of the input: many programs end
 * one so that have sent all.
 */
export class BodyInput implements Sender {
  readonly stream: ReadableStream<Bytes>;
  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  readonly #unfinished: UnfinishedMessages;
  #timer: ReturnType<typeof setInterval> | undefined;
  #bytes = 0;
  #gaveUp: string | undefined;
  #hasStalled = false;
  #isStopped = false;

  constructor({ body, stallTimeoutMs, unfinished, turns }: BodyInputOptions) {
    this.#reader = body.getReader();
    this.#unfinished = unfinished;
    this.stream = new ReadableStream({
      pull: async (controller) => {
        let looks = 0;
        this.#timer = setInterval(() => {
          if (++looks < LOOKS) return;
          this.#hasStalled = true;
          this.stop();
        }, stallTimeoutMs / LOOKS);
        const { value } = await this.#reader.read().catch(() => ({ value: undefined }));
        clearInterval(this.#timer);
        // It may have been given up since that was read.
        if (value === undefined || this.#isStopped) return controller.close();
        this.#bytes += value.byteLength;
        this.#unfinished.set(this, this.#bytes);
        // Whoever sends much is not to keep others waiting while frames are looked for in it.
        await turns.take(value.byteLength);
        if (this.#isStopped) return controller.close();
        controller.enqueue(value);
      },
      cancel: () => this.stop(),
    }, { highWaterMark: 0 });
  }

  /** Why the relay has given it up, where it has. */
  get gaveUp(): string | undefined {
    return this.#gaveUp;
  }

  /** Whether nothing has come for too long. */
  get hasStalled(): boolean {
    return this.#hasStalled;
  }

  /** What has come so far has been made a frame of. */
  whole(): void {
    this.#bytes = 0;
    this.#unfinished.set(this, 0);
  }

  giveUp(reason: string): void {
    this.#gaveUp = reason;
    this.stop();
  }

  /** Reads nothing more. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#unfinished.set(this, 0);
    this.#reader.cancel().catch(() => {});
  }
}
