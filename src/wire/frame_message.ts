/**
 * One frame as one binary message: a fixed header, then the frame's bytes.
 *
 * ```
 * offset  size  field
 *      0     1  version, 1
 *      1     1  flags: 1 key frame, 2 configuration, 4 discontinuity, 8 catch-up, 16 leading,
 *               32 held; others 0
 *      2     2  length of the header in bytes, 32 or more
 *      4     4  epoch
 *      8     8  sequence, from 1
 *     16     8  presentation time in µs, signed; −2⁶³ for none
 *     24     8  capture time in µs since the Unix epoch
 *     32        the frame
 * ```
 *
 * All integers are big endian. A reader skips what a longer header holds beyond the fields it knows.
 *
 * @module
 */
import { HEADROOM_BYTES } from "../bytes/headroom.ts";
import { ProtocolError } from "../errors.ts";
import { CLOSE } from "./close_code.ts";

/** The version of the protocol. */
export const VERSION = 1;
/** The WebSocket subprotocol's name. */
export const SUBPROTOCOL = "stream.v1";
/** Bytes of the header that are written: what every frame has free in front of it. */
export const HEADER_BYTES: number = HEADROOM_BYTES;

const FLAG_KEY = 1;
const FLAG_CONFIGURATION = 2;
const FLAG_DISCONTINUITY = 4;
const FLAG_CATCH_UP = 8;
const FLAG_LEADING = 16;
/** The flag of {@linkcode FrameHeader.held}, which older relays do not know. */
export const FLAG_HELD = 32;
/** The flags that are known. */
export const FLAGS = FLAG_KEY | FLAG_CONFIGURATION | FLAG_DISCONTINUITY | FLAG_CATCH_UP |
  FLAG_LEADING | FLAG_HELD;
const NO_PTS_HIGH = -0x8000_0000;
const HIGH = 0x1_0000_0000;

/** The fields of a frame's header. */
export interface FrameHeader {
  /** The frame can be decoded by itself. */
  readonly key: boolean;
  /** The frame carries its decoder's configuration within it. */
  readonly configuration: boolean;
  /** The first frame of an epoch. */
  readonly discontinuity: boolean;
  /** Sent to bring a new viewer up to the present; not to be shown for its own time. */
  readonly catchUp: boolean;
  /** A delta frame that whoever begins at the key frame before it cannot decode. */
  readonly leading: boolean;
  /** Only to the relay: the publisher had to wait for credit before it read the frame. */
  readonly held: boolean;
  /** Number of the publisher's session or configuration; 0 on the way to the relay. */
  readonly epoch: number;
  /** Position in the stream, from 1. */
  readonly sequence: number;
  /** Presentation time in microseconds, `null` for none. */
  readonly ptsUs: number | null;
  /** Time of capture in microseconds since the Unix epoch, on the relay's clock. */
  readonly captureUs: number;
}

/** A frame message taken apart. */
export interface FrameMessage {
  readonly header: FrameHeader;
  /** The frame's bytes: a view of the message. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/**
 * Puts a header in front of `data`. Where `data` has {@linkcode HEADER_BYTES} bytes before it in its
 * buffer, they are overwritten and the result is a view of that buffer; else the bytes are copied.
 */
export function encodeFrameMessage(
  header: FrameHeader,
  data: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  let message: Uint8Array<ArrayBuffer>;
  // A copy for catch-up: the buffer may still be on its way to others without that flag.
  if (data.byteOffset >= HEADER_BYTES && !header.catchUp) {
    message = new Uint8Array(
      data.buffer,
      data.byteOffset - HEADER_BYTES,
      HEADER_BYTES + data.byteLength,
    );
  } else {
    message = new Uint8Array(HEADER_BYTES + data.byteLength);
    message.set(data, HEADER_BYTES);
  }
  const view = new DataView(message.buffer, message.byteOffset, HEADER_BYTES);
  view.setUint8(0, VERSION);
  view.setUint8(
    1,
    (header.key ? FLAG_KEY : 0) | (header.configuration ? FLAG_CONFIGURATION : 0) |
      (header.discontinuity ? FLAG_DISCONTINUITY : 0) | (header.catchUp ? FLAG_CATCH_UP : 0) |
      (header.leading ? FLAG_LEADING : 0) | (header.held ? FLAG_HELD : 0),
  );
  view.setUint16(2, HEADER_BYTES);
  view.setUint32(4, header.epoch);
  setSafeInteger(view, 8, header.sequence);
  if (header.ptsUs === null) {
    view.setInt32(16, NO_PTS_HIGH);
    view.setUint32(20, 0);
  } else {
    setSafeInteger(view, 16, header.ptsUs);
  }
  setSafeInteger(view, 24, header.captureUs);
  return message;
}

/**
 * Takes a frame message apart; the bytes are not copied.
 *
 * @throws {ProtocolError} when it has no whole header, a wrong version, an unknown flag, a number
 * beyond 2⁵³ − 1, or no bytes behind the header
 */
export function decodeFrameMessage(message: Uint8Array<ArrayBuffer>): FrameMessage {
  if (message.byteLength < HEADER_BYTES) {
    throw invalid(`a frame message has ${message.byteLength} bytes, its header alone has 32`);
  }
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const version = view.getUint8(0);
  if (version !== VERSION) {
    throw new ProtocolError(
      CLOSE.badVersion,
      `a frame header has version ${version}, this is version 1`,
    );
  }
  const flags = view.getUint8(1);
  if ((flags & ~FLAGS) !== 0) throw invalid(`a frame header has unknown flags ${flags}`);
  const headerBytes = view.getUint16(2);
  if (headerBytes < HEADER_BYTES || headerBytes >= message.byteLength) {
    throw invalid(
      `a frame message of ${message.byteLength} bytes says that its header has ${headerBytes}`,
    );
  }
  const sequence = getSafeInteger(view, 8, "sequence");
  const captureUs = getSafeInteger(view, 24, "capture time");
  if (sequence < 1) throw invalid(`a frame has sequence ${sequence}, the first is 1`);
  if (captureUs < 0) throw invalid("a frame has a negative capture time");
  const isPtsNone = view.getInt32(16) === NO_PTS_HIGH && view.getUint32(20) === 0;
  return {
    header: {
      key: (flags & FLAG_KEY) !== 0,
      configuration: (flags & FLAG_CONFIGURATION) !== 0,
      discontinuity: (flags & FLAG_DISCONTINUITY) !== 0,
      catchUp: (flags & FLAG_CATCH_UP) !== 0,
      leading: (flags & FLAG_LEADING) !== 0,
      held: (flags & FLAG_HELD) !== 0,
      epoch: view.getUint32(4),
      sequence,
      ptsUs: isPtsNone ? null : getSafeInteger(view, 16, "presentation time"),
      captureUs,
    },
    data: message.subarray(headerBytes),
  };
}

function setSafeInteger(view: DataView, offset: number, value: number): void {
  view.setInt32(offset, Math.floor(value / HIGH));
  view.setUint32(offset + 4, value - Math.floor(value / HIGH) * HIGH);
}

function getSafeInteger(view: DataView, offset: number, name: string): number {
  const value = view.getInt32(offset) * HIGH + view.getUint32(offset + 4);
  if (!Number.isSafeInteger(value)) throw invalid(`a frame has a ${name} beyond 2^53 - 1`);
  return value;
}

function invalid(what: string): ProtocolError {
  return new ProtocolError(CLOSE.protocolError, what);
}
