/**
 * A stream beside what is tested, which must notice nothing of it.
 *
 * @module
 */
import { soon } from "../waiting.ts";
import type { Testimony, WitnessNews, WitnessOrder } from "./witness_worker.ts";

export type { Testimony };

/** How much the stream is. */
export interface WitnessOptions {
  /** @default {30} */
  readonly fps?: number;
  /** Bytes of a frame. @default {50000} */
  readonly bytes?: number;
  /** Absent: everybody is let in. */
  readonly token?: string;
}

/** A publisher and a viewer of the stream `witness`, in a thread of their own. */
export class Witness implements Disposable {
  readonly #worker = new Worker(new URL("witness_worker.ts", import.meta.url), { type: "module" });
  readonly #live = Promise.withResolvers<void>();
  readonly #testimony = Promise.withResolvers<Testimony>();

  private constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<WitnessNews>) => {
      if (data.type === "live") this.#live.resolve();
      else this.#testimony.resolve(data.testimony);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const error = new Error(`the witness failed: ${event.message}`);
      this.#live.reject(error);
      this.#testimony.reject(error);
    };
    // Whoever waits for one of them hears of it.
    this.#testimony.promise.catch(() => {});
    this.#live.promise.catch(() => {});
  }

  /** Begins the stream at the relay `host`, and waits until frames come. */
  static async begin(host: string, options: WitnessOptions = {}): Promise<Witness> {
    const { fps = 30, bytes = 50_000, token } = options;
    const witness = new Witness();
    witness.#send({ type: "begin", url: `ws://${host}/witness`, fps, bytes, token });
    await soon("the witness's frames", witness.#live.promise);
    return witness;
  }

  /** Figures begin here. */
  mark(): void {
    this.#send({ type: "mark" });
  }

  /** Ends the stream, and tells what came of it. */
  async end(): Promise<Testimony> {
    this.#send({ type: "end" });
    return await soon("the witness's testimony", this.#testimony.promise);
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }

  #send(order: WitnessOrder): void {
    this.#worker.postMessage(order);
  }
}
