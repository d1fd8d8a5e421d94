/**
 * WebSocket messages as they go over the wire, each made once for all sockets that send it.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** The only frame of a binary message, unmasked (RFC 6455 section 5.2). */
const FINAL_BINARY = 0x82;
/** Most bytes whose count fits into the second byte, and the values of that byte where they do not. */
const MAX_SHORT = 125;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const MAX_LENGTH_16 = 0xffff;

/** Most messages, and bytes of several, that are kept for sockets that send them a little later. */
const MAX_RECENT = 8;
const MAX_RECENT_BYTES = 4 * 1024 * 1024;

/** From this many bytes on, memory is given back at once instead of by the garbage collector. */
const MIN_RELEASE_BYTES = 65_536;

/**
 * A binary message with its header, which sockets keep until they have written it. A large one is
 * freed when the last has: some of them would else fill the memory until the next collection.
 */
export class FramedMessage {
  readonly bytes: Buffer;
  /** To be called when a socket has written it; absent where that is of no interest. */
  readonly written: ((error?: Error | null) => void) | undefined;
  /** Sockets that have it, and whoever may yet give it to one. */
  #holders = 1;

  constructor(message: Uint8Array) {
    const length = message.byteLength;
    const headerBytes = length <= MAX_SHORT ? 2 : length <= MAX_LENGTH_16 ? 4 : 10;
    // Of its own, so that it can be freed, and pins nothing else.
    this.bytes = Buffer.allocUnsafeSlow(headerBytes + length);
    this.bytes[0] = FINAL_BINARY;
    if (headerBytes === 2) this.bytes[1] = length;
    else if (headerBytes === 4) {
      this.bytes[1] = LENGTH_16;
      this.bytes.writeUInt16BE(length, 2);
    } else {
      this.bytes[1] = LENGTH_64;
      this.bytes.writeBigUInt64BE(BigInt(length), 2);
    }
    this.bytes.set(message, headerBytes);
    // A socket that failed may have it still.
    if (length >= MIN_RELEASE_BYTES) this.written = (error) => error ? undefined : this.drop();
  }

  /** One more has it. */
  hold(): void {
    this.#holders++;
  }

  /** One has it no more. */
  drop(): void {
    if (--this.#holders === 0 && this.written !== undefined) {
      (this.bytes.buffer as ArrayBuffer).transfer(0);
    }
  }
}

/** Frames messages for the sockets of a listener. */
export class Framing {
  /** The newest ones, oldest first: viewers that are a little behind get older ones in between. */
  readonly #recent: { readonly message: Uint8Array; readonly framed: FramedMessage }[] = [];
  #bytes = 0;

  /**
   * The message as it goes over the wire; the same bytes for sockets that send it at about the same
   * time. What has been given is not touched any more, so that `message` may be freed or written over
   * from then on.
   */
  frame(message: Uint8Array): FramedMessage {
    for (let at = this.#recent.length - 1; at >= 0; at--) {
      const { message: other, framed } = this.#recent[at]!;
      if (other === message) return framed;
    }
    const framed = new FramedMessage(message);
    this.#recent.push({ message, framed });
    this.#bytes += framed.bytes.length;
    while (
      this.#recent.length > 1 &&
      (this.#recent.length > MAX_RECENT || this.#bytes > MAX_RECENT_BYTES)
    ) this.#forgetOldest();
    return framed;
  }

  #forgetOldest(): void {
    const { framed } = this.#recent.shift()!;
    this.#bytes -= framed.bytes.length;
    framed.drop();
  }
}
