/**
 * Frames within the bytes of a file that is still being written.
 *
 * @module
 */
import { BytePattern } from "../../src/bytes/search.ts";
import { concat } from "../split/samples.ts";

/** So many of its last bytes tell a frame from others. */
const TAIL = 40;
const PACKET = 188;

/** Finds one frame behind another in what comes of a file, whatever kind of file it is. */
export class FramesWithin {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #isTransport: boolean;
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array();
  #seen: Uint8Array<ArrayBuffer> = new Uint8Array();

  constructor(file: ReadableStream<Uint8Array<ArrayBuffer>>, extension: string) {
    this.#reader = file.getReader();
    this.#isTransport = extension === "ts";
  }

  /** Waits until this frame has come to its last byte; bytes before it are passed over. */
  async until(frame: Uint8Array): Promise<void> {
    const tail = frame.subarray(-TAIL);
    const pattern = new BytePattern(tail);
    let from = 0;
    for (;;) {
      const at = pattern.find(this.#seen, from);
      if (at >= 0) {
        this.#seen = this.#seen.subarray(at + tail.length);
        return;
      }
      from = Math.max(0, this.#seen.length - tail.length + 1);
      const { value, done } = await this.#reader.read();
      if (done) throw new Error("the file ended before the frame");
      this.#seen = concat(this.#seen, this.#isTransport ? this.#payload(value) : value);
    }
  }

  /** Reads no more of the file. */
  async stop(): Promise<void> {
    await this.#reader.cancel();
  }

  /** What the packets of an MPEG-TS carry that are whole now (ISO/IEC 13818-1, 2.4.3.2). */
  #payload(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const all = concat(this.#rest, bytes);
    const whole = Math.floor(all.length / PACKET);
    this.#rest = all.subarray(whole * PACKET);
    return concat(...Array.from({ length: whole }, (_, index) => {
      const packet = all.subarray(index * PACKET, (index + 1) * PACKET);
      return packet.subarray((packet[3]! & 0x20) === 0 ? 4 : 5 + packet[4]!);
    }));
  }
}
