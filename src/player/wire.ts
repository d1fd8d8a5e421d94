// @ts-check
/// <reference lib="dom" />
/**
 * `stream.v1` as a viewer speaks it (docs/protocol.md): messages of the relay taken apart, and those
 * of a viewer put together. It holds itself to the vectors in src/wire/vectors.json.
 *
 * @module
 */

/** The WebSocket subprotocol's name. */
export const SUBPROTOCOL = "stream.v1";
/** The version of the protocol. */
export const VERSION = 1;

const HEADER_BYTES = 32;
const ALL_FLAGS = 63;
/** The flags of a relay that does not name those it knows. */
const FIRST_FLAGS = 31;
const MAX_CONTROL_LENGTH = 16_384;
const MAX_TEXT_LENGTH = 1024;
/** Frames that one acknowledgement is for, and how long a frame waits for it at most. */
const ACK_FRAMES = 4;
const ACK_HOLD_MS = 125;
const ACK_HOLD_PART = 0.25;
const MAX_HELD_MS = 1000;
const MAX_CODE_POINT = 255;
const NO_PTS = -(2n ** 63n);

/**
 * @typedef {"raw" | "mjpeg" | "png" | "y4m" | "lp32" | "h264" | "hevc" | "vp8" | "vp9" | "av1"} Format
 */

const FORMATS = ["raw", "mjpeg", "png", "y4m", "lp32", "h264", "hevc", "vp8", "vp9", "av1"];

/**
 * What stands before a frame's bytes.
 *
 * @typedef {object} FrameHeader
 * @property {boolean} key the frame can be decoded by itself
 * @property {boolean} configuration it carries its decoder's configuration
 * @property {boolean} discontinuity the first frame of an epoch
 * @property {boolean} catchUp not to be shown for its own time
 * @property {boolean} leading whoever begins at the key frame before it cannot decode it
 * @property {boolean} held its publisher had to wait for credit; only on the way to the relay
 * @property {number} epoch
 * @property {number} sequence position in the stream, from 1
 * @property {number | null} ptsUs presentation time in microseconds
 * @property {number} captureUs time of capture in microseconds, on the relay's clock
 */

/**
 * What the frames that follow are.
 *
 * @typedef {object} Config
 * @property {"config"} type
 * @property {number} epoch
 * @property {Format} format
 * @property {string | null} codec
 * @property {number | null} width
 * @property {number | null} height
 * @property {string | null} pixelFormat
 * @property {number | null} frameRate
 * @property {string | null} header
 * @property {number} [rotation] degrees clockwise by which pictures are turned: 90, 180 or 270
 * @property {number} [displayWidth] what a picture is stretched to, before it is turned
 * @property {number} [displayHeight]
 * @property {number} [primaries] colours in the code points of ITU-T H.273
 * @property {number} [transfer]
 * @property {number} [matrix]
 * @property {boolean} [fullRange]
 * @property {string | null} session stands for the session of the frames' publisher
 * @property {number} offset a frame's sequence minus the one under which it was published
 */

/**
 * @typedef {object} Welcome
 * @property {"welcome"} type
 * @property {number} version
 * @property {"publish" | "watch"} role
 * @property {string} stream
 * @property {string} run name of the stream's run: sequences compare only under the same name
 * @property {number | "source"} fps
 * @property {number} maxFrameBytes
 * @property {boolean} publishing
 * @property {number} received
 * @property {number} flags
 */

/**
 * Numbers for people; any field may be missing in another release of the relay.
 *
 * @typedef {object} Stats
 * @property {"stats"} type
 * @property {{
 *   publishing?: boolean,
 *   viewers?: number,
 *   fps?: number | "source",
 *   rate?: { framesPerSecond: number, bytesPerSecond: number },
 *   arrival?: { medianMs: number, maxMs: number } | null,
 * }} stream
 * @property {{
 *   latencyMs: number | null,
 *   relayMs: number | null,
 *   roundTripMs: number | null,
 *   dropped: Record<string, number>,
 * } | null} [viewer]
 */

/** @typedef {{ type: "credit", frames: number, bytes: number, received: number }} Credit */
/** @typedef {{ type: "time", clientUs: number, serverUs: number }} TimeAnswer */
/** @typedef {{ type: "end" }} End */
/** @typedef {Welcome | Config | Stats | Credit | TimeAnswer | End} ServerMessage */

/** The relay broke the protocol; `closeCode` is what the connection is to be closed with. */
export class WireError extends Error {
  /**
   * @param {number} closeCode
   * @param {string} message
   */
  constructor(closeCode, message) {
    super(message);
    this.name = "WireError";
    /** @readonly */
    this.closeCode = closeCode;
  }
}

/**
 * Takes a frame message apart; the frame's bytes are not copied.
 *
 * @param {Uint8Array<ArrayBuffer>} message
 * @returns {{ header: FrameHeader, data: Uint8Array<ArrayBuffer> }}
 */
export function decodeFrame(message) {
  if (message.byteLength < HEADER_BYTES) {
    throw new WireError(1002, "a frame without a whole header");
  }
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  if (view.getUint8(0) !== VERSION) throw new WireError(4001, "a frame of another version");
  const flags = view.getUint8(1);
  if ((flags & ~ALL_FLAGS) !== 0) throw new WireError(1002, `a frame with unknown flags: ${flags}`);
  const headerBytes = view.getUint16(2);
  if (headerBytes < HEADER_BYTES || headerBytes >= message.byteLength) {
    throw new WireError(1002, `a frame with a header of ${headerBytes} bytes`);
  }
  const sequence = integerOf(view.getBigInt64(8), "sequence");
  const pts = view.getBigInt64(16);
  const captureUs = integerOf(view.getBigInt64(24), "capture time");
  if (sequence < 1) throw new WireError(1002, `a frame with the sequence ${sequence}`);
  if (captureUs < 0) throw new WireError(1002, "a frame captured before 1970");
  return {
    header: {
      key: (flags & 1) !== 0,
      configuration: (flags & 2) !== 0,
      discontinuity: (flags & 4) !== 0,
      catchUp: (flags & 8) !== 0,
      leading: (flags & 16) !== 0,
      held: (flags & 32) !== 0,
      epoch: view.getUint32(4),
      sequence,
      ptsUs: pts === NO_PTS ? null : integerOf(pts, "presentation time"),
      captureUs,
    },
    data: message.subarray(headerBytes),
  };
}

/**
 * @param {bigint} value
 * @param {string} name
 * @returns {number}
 */
function integerOf(value, name) {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new WireError(1002, `a frame with a ${name} beyond 2^53 - 1`);
}

/**
 * Reads a control message of the relay.
 *
 * @param {string} text
 * @returns {ServerMessage}
 */
export function decodeControl(text) {
  if (text.length > MAX_CONTROL_LENGTH) throw new WireError(1009, "a control message is too long");
  /** @type {unknown} */
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new WireError(1007, "a control message is not JSON");
  }
  if (!isObject(value)) throw new WireError(1007, "a control message is not a JSON object");
  const type = Object.hasOwn(value, "type") ? value.type : undefined;
  const fields = typeof type === "string" ? FIELDS.get(type) : undefined;
  if (fields === undefined) throw new WireError(1002, "a control message of an unknown type");
  /** @type {Record<string, unknown>} */
  const message = { type };
  for (const [name, isValid, fallback] of fields) {
    const given = Object.hasOwn(value, name) ? value[name] : undefined;
    const field = given ?? fallback;
    if (field === undefined && isOptional(name)) continue;
    if (!isValid(field)) throw new WireError(1007, `the field ${name} of ${type} is wrong`);
    message[name] = field;
  }
  // What people look at is passed on as it is.
  return /** @type {ServerMessage} */ (type === "stats" ? { ...value } : message);
}

/** @typedef {[name: string, isValid: (value: unknown) => boolean, fallback?: null | number]} Field */

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @type {(value: unknown) => boolean} */
const isText = (value) => typeof value === "string" && value.length <= MAX_TEXT_LENGTH;
/** @type {(value: unknown) => boolean} */
const isBoolean = (value) => typeof value === "boolean";
/** @type {(min: number) => (value: unknown) => boolean} */
const isInteger = (min) => (value) => Number.isSafeInteger(value) && Number(value) >= min;
/** @type {(max: number) => (value: unknown) => boolean} */
const isNumber = (max) => (value) => typeof value === "number" && value >= 0 && value <= max;
/** @type {(isValid: (value: unknown) => boolean) => (value: unknown) => boolean} */
const orNull = (isValid) => (value) => value === null || isValid(value);

/** @type {(value: unknown) => boolean} */
const isCodePoint = (value) => isInteger(0)(value) && Number(value) <= MAX_CODE_POINT;

/** @type {(name: string) => boolean} */
const isOptional = (name) => OPTIONAL.includes(name);

/** Fields of `config` that are absent where nothing is to be said. */
const OPTIONAL = [
  "rotation",
  "displayWidth",
  "displayHeight",
  "primaries",
  "transfer",
  "matrix",
  "fullRange",
];

/** @type {ReadonlyMap<string, readonly Field[]>} */
const FIELDS = new Map(
  /** @type {[string, Field[]][]} */ ([
    ["welcome", [
      ["version", isInteger(1)],
      ["role", (value) => value === "publish" || value === "watch"],
      ["stream", isText],
      ["run", isText],
      ["fps", (value) => value === "source" || isNumber(1e6)(value)],
      ["maxFrameBytes", isInteger(1)],
      ["publishing", isBoolean],
      ["received", isInteger(0)],
      ["flags", isInteger(0), FIRST_FLAGS],
    ]],
    ["config", [
      ["epoch", isInteger(0)],
      ["format", (value) => FORMATS.includes(/** @type {string} */ (value))],
      ["codec", orNull(isText), null],
      ["width", orNull(isInteger(1)), null],
      ["height", orNull(isInteger(1)), null],
      ["pixelFormat", orNull(isText), null],
      ["frameRate", orNull(isNumber(1e9)), null],
      ["header", orNull(isText), null],
      ["rotation", (value) => value === 90 || value === 180 || value === 270],
      ["displayWidth", isInteger(1)],
      ["displayHeight", isInteger(1)],
      ["primaries", isCodePoint],
      ["transfer", isCodePoint],
      ["matrix", isCodePoint],
      ["fullRange", isBoolean],
      ["session", orNull(isText), null],
      ["offset", isInteger(-Number.MAX_SAFE_INTEGER), 0],
    ]],
    ["credit", [
      ["frames", isInteger(0)],
      ["bytes", isInteger(0)],
      ["received", isInteger(0)],
    ]],
    ["time", [["clientUs", isInteger(0)], ["serverUs", isInteger(0)]]],
    ["stats", [["stream", isObject]]],
    ["end", []],
  ]),
);

/**
 * A viewer's first message.
 *
 * @param {{ fps: number | null, maxDelayMs: number }} wish
 * @returns {string}
 */
export function encodeHello({ fps, maxDelayMs }) {
  return JSON.stringify({ type: "hello", version: VERSION, role: "watch", fps, maxDelayMs });
}

/**
 * Confirms every frame up to `sequence`, which has been here for `heldMs`.
 *
 * @param {number} sequence
 * @param {number} [heldMs]
 * @returns {string}
 */
export function encodeAck(sequence, heldMs = 0) {
  const tenthsMs = Math.min(MAX_HELD_MS, Math.round(heldMs * 10) / 10);
  return JSON.stringify({ type: "ack", sequence, ...(tenthsMs > 0 && { heldMs: tenthsMs }) });
}

/**
 * When to acknowledge the frames of one connection: the first four at once, then every fourth, or
 * what is left after a short time.
 */
export class Acknowledgement {
  /** When `due` has a message, `Infinity` while every frame is acknowledged. */
  deadlineMs = Infinity;
  /** @readonly */ #holdMs;
  #firstLeft = ACK_FRAMES;
  #frames = 0;
  #sequence = 0;
  #receivedMs = 0;

  /** @param {number} maxDelayMs longest delay that frames under way may stand for */
  constructor(maxDelayMs) {
    this.#holdMs = Math.min(ACK_HOLD_MS, maxDelayMs * ACK_HOLD_PART);
  }

  /**
   * Takes a frame that has come; returns the message that is to be sent now.
   *
   * @param {number} sequence
   * @param {number} nowMs
   * @returns {string | undefined}
   */
  received(sequence, nowMs) {
    if (this.#frames === 0) this.deadlineMs = nowMs + this.#holdMs;
    this.#frames++;
    this.#sequence = sequence;
    this.#receivedMs = nowMs;
    const isFirst = this.#firstLeft > 0;
    if (isFirst) this.#firstLeft--;
    return isFirst || this.#frames >= ACK_FRAMES ? this.flush(nowMs) : this.due(nowMs);
  }

  /**
   * The message for what has waited for long enough.
   *
   * @param {number} nowMs
   * @returns {string | undefined}
   */
  due(nowMs) {
    return nowMs >= this.deadlineMs ? this.flush(nowMs) : undefined;
  }

  /**
   * The message for everything that is left.
   *
   * @param {number} nowMs
   * @returns {string | undefined}
   */
  flush(nowMs) {
    if (this.#frames === 0) return undefined;
    this.#frames = 0;
    this.deadlineMs = Infinity;
    return encodeAck(this.#sequence, nowMs - this.#receivedMs);
  }
}

/**
 * Asks for the relay's clock.
 *
 * @param {number} clientUs
 * @returns {string}
 */
export function encodeTime(clientUs) {
  return JSON.stringify({ type: "time", clientUs: Math.round(clientUs) });
}
