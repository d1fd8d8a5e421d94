/**
 * Reads what a WebSocket server sends (RFC 6455 section 5), without copying payloads: of a binary
 * message, its first bytes and its length are told.
 *
 * @module
 */
// @ts-types="../../types/std_bytes.d.ts"
import { concat } from "@std/bytes/concat";
import { ProtocolError } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";

/** Bytes at the beginning of a binary message that are told. */
export const HEAD_BYTES = 64;
/** Largest message in bytes: the relay's platform takes none above. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
/** Largest text in bytes: four for each character of a control message, and its end. */
const MAX_TEXT_BYTES = 4 * 16_384;
/** Largest payload of a control frame (section 5.5). */
const MAX_CONTROL_BYTES = 125;
/** Largest header of a frame: two bytes, a length of eight. A server sends no mask. */
const MAX_HEADER_BYTES = 10;

/** Kinds of frames (section 11.8). */
export const OPCODE = {
  continuation: 0,
  text: 1,
  binary: 2,
  close: 8,
  ping: 9,
  pong: 10,
} as const;

/** Who hears of messages. */
export interface MessageListener {
  /** A whole binary message of `bytes` bytes; `head`, its beginning, is valid during the call. */
  binary(head: Uint8Array<ArrayBuffer>, bytes: number): void;
  text(text: string): void;
  /** A ping, to be answered with the same payload. */
  ping(payload: Uint8Array<ArrayBuffer>): void;
  /** The server's goodbye, behind which nothing is read; 1005 stands for no code. */
  close(code: number, reason: string): void;
}

/** Takes bytes as they come and tells the messages among them. */
export class MessageReader {
  readonly #listener: MessageListener;
  readonly #header = new Uint8Array(MAX_HEADER_BYTES);
  #headerBytes = 0;
  /** Bytes of the frame's payload that are still to come. */
  #left = 0;
  #opcode = 0;
  #isFinal = false;
  /** The kind of the message under way, 0 between messages. */
  #kind = 0;
  #messageBytes = 0;
  readonly #head = new Uint8Array(HEAD_BYTES);
  /** The payload of what is told whole: a text, or a control frame in between. */
  #text: Uint8Array<ArrayBuffer>[] = [];
  #control: Uint8Array<ArrayBuffer>[] = [];
  #isClosed = false;

  constructor(listener: MessageListener) {
    this.#listener = listener;
  }

  /**
   * Takes the next bytes, which are not kept.
   *
   * @throws {ProtocolError} where they are no frames of a server, or too large
   */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.#isClosed;) {
      at += this.#left > 0 ? this.#takePayload(bytes, at) : this.#takeHeader(bytes, at);
    }
  }

  #takeHeader(bytes: Uint8Array, start: number): number {
    const header = this.#header;
    let at = start;
    while (at < bytes.length) {
      header[this.#headerBytes++] = bytes[at++]!;
      if (this.#headerBytes < 2) continue;
      const code = header[1]!;
      if (code >= 128) throw broken("a server's frame is masked");
      if (this.#headerBytes < 2 + (code === 127 ? 8 : code === 126 ? 2 : 0)) continue;
      this.#headerBytes = 0;
      this.#begin(header[0]!, payloadBytes(header));
      break;
    }
    return at - start;
  }

  #begin(first: number, bytes: number): void {
    if ((first & 0x70) !== 0) throw broken("a frame has reserved bits");
    this.#opcode = first & 0x0f;
    this.#isFinal = first >= 0x80;
    this.#left = bytes;
    if (this.#opcode >= OPCODE.close) {
      if (this.#opcode > OPCODE.pong) throw broken(`a frame has opcode ${this.#opcode}`);
      if (!this.#isFinal) throw broken("a control frame is in parts");
      if (bytes > MAX_CONTROL_BYTES) throw broken(`a control frame has ${bytes} bytes`);
    } else {
      this.#beginData(bytes);
    }
    if (bytes === 0) this.#end();
  }

  #beginData(bytes: number): void {
    if (this.#opcode > OPCODE.binary) throw broken(`a frame has opcode ${this.#opcode}`);
    if ((this.#opcode === OPCODE.continuation) !== (this.#kind !== 0)) {
      throw broken(
        this.#kind === 0
          ? "a continuation continues nothing"
          : "a message begins within another one",
      );
    }
    if (this.#kind === 0) {
      this.#kind = this.#opcode;
      this.#messageBytes = 0;
    }
    const maxBytes = this.#kind === OPCODE.text ? MAX_TEXT_BYTES : MAX_MESSAGE_BYTES;
    if (this.#messageBytes + bytes > maxBytes) {
      throw new ProtocolError(CLOSE.tooLarge, `a message has more than ${maxBytes} bytes`);
    }
  }

  #takePayload(bytes: Uint8Array, start: number): number {
    const taken = Math.min(this.#left, bytes.length - start);
    if (this.#opcode >= OPCODE.close) {
      this.#control.push(bytes.slice(start, start + taken) as Uint8Array<ArrayBuffer>);
    } else {
      if (this.#kind === OPCODE.text) {
        this.#text.push(bytes.slice(start, start + taken) as Uint8Array<ArrayBuffer>);
      } else if (this.#messageBytes < HEAD_BYTES) {
        const wanted = Math.min(taken, HEAD_BYTES - this.#messageBytes);
        this.#head.set(bytes.subarray(start, start + wanted), this.#messageBytes);
      }
      this.#messageBytes += taken;
    }
    this.#left -= taken;
    if (this.#left === 0) this.#end();
    return taken;
  }

  #end(): void {
    if (this.#opcode >= OPCODE.close) {
      this.#tellControl(joined(this.#control));
    } else if (this.#isFinal) {
      const kind = this.#kind;
      this.#kind = 0;
      if (kind === OPCODE.text) {
        this.#listener.text(new TextDecoder().decode(joined(this.#text)));
      } else {
        const headBytes = Math.min(HEAD_BYTES, this.#messageBytes);
        this.#listener.binary(this.#head.subarray(0, headBytes), this.#messageBytes);
      }
    }
  }

  #tellControl(payload: Uint8Array<ArrayBuffer>): void {
    if (this.#opcode === OPCODE.ping) this.#listener.ping(payload);
    if (this.#opcode !== OPCODE.close) return;
    if (payload.length === 1) throw broken("a goodbye has half a code");
    this.#isClosed = true;
    const code = payload.length === 0 ? 1005 : payload[0]! * 256 + payload[1]!;
    this.#listener.close(code, new TextDecoder().decode(payload.subarray(2)));
  }
}

function payloadBytes(header: Uint8Array<ArrayBuffer>): number {
  const code = header[1]!;
  const view = new DataView(header.buffer);
  if (code < 126) return code;
  if (code === 126) return view.getUint16(2);
  return view.getUint32(2) * 2 ** 32 + view.getUint32(6);
}

/** Takes the parts out of `parts` as one. */
function joined(parts: Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const all = parts.splice(0);
  if (all.length === 1) return all[0]!;
  return concat(all);
}

function broken(what: string): ProtocolError {
  return new ProtocolError(CLOSE.protocolError, what);
}

/**
 * A client's frame: whole, and masked (RFC 6455 section 5.3). The mask guards caches on the way from
 * what a page may send, which is of no concern here, so that any random number will do.
 */
export function maskedFrame(
  opcode: number,
  payload: Uint8Array,
  mask: number = Math.random() * 2 ** 32,
): Uint8Array<ArrayBuffer> {
  if (payload.length > 0xffff) throw new RangeError("Cannot mask a frame: over 65535 bytes");
  const isShort = payload.length < 126;
  const start = isShort ? 6 : 8;
  const frame = new Uint8Array(start + payload.length);
  const view = new DataView(frame.buffer);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (isShort ? payload.length : 126);
  if (!isShort) view.setUint16(2, payload.length);
  view.setUint32(start - 4, mask);
  for (let index = 0; index < payload.length; index++) {
    frame[start + index] = payload[index]! ^ frame[start - 4 + (index & 3)]!;
  }
  return frame;
}
