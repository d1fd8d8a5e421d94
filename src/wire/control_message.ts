/**
 * Control messages: JSON objects in text messages, told apart by `type`.
 *
 * @module
 */
import type { DropCounts } from "../core/drops.ts";
import type { Presentation, StreamConfig } from "../core/frame.ts";
import type { FrameRate } from "../core/pacing.ts";
import type { StreamNumbers } from "../core/stream.ts";
import { STREAM_FORMATS, type StreamFormat } from "../core/stream_format.ts";
import { ProtocolError } from "../errors.ts";
import { CLOSE } from "./close_code.ts";
import { type Check, flag, frameRate, number, numbers, object, optional } from "./shape.ts";

/** Longest control message in characters. */
export const MAX_CONTROL_LENGTH = 16_384;
/** The flags of a relay that does not name those it knows. */
const FIRST_FLAGS = 31;
/** The longest delay of a viewer that names none, in milliseconds. */
export const DEFAULT_MAX_DELAY_MS = 500;
/** Longest time for which a source may have been held up, in milliseconds: a day. */
export const MAX_HELD_UP_MS = 86_400_000;
/** Degrees by which pictures may be turned. */
const ROTATIONS: readonly number[] = [90, 180, 270];
/** Largest code point of ITU-T H.273: it has eight bits. */
const MAX_CODE_POINT = 255;
/** Longest text field in characters. */
const MAX_TEXT_LENGTH = 1024;
/** Longest time that an acknowledgement may say a frame was held, in milliseconds. */
export const MAX_HELD_MS = 1000;

/** First message of a client that wants to publish. */
export interface PublishHello {
  readonly type: "hello";
  readonly version: number;
  readonly role: "publish";
  /** Name of the publisher's run: with it, a publisher that comes back goes on where it was. */
  readonly session: string;
  /** Whether it takes the stream from a publisher that is there. */
  readonly takeover: boolean;
  /** Whether it waits for credit or drops frames that it has no credit for. */
  readonly onFull: "wait" | "drop";
  /**
   * Whether its source is live, where its user says so; `null` where that is to be seen by the flag
   * "held" of its frames.
   */
  readonly live: boolean | null;
  /** How long its source, which was live, has been held up, in milliseconds; else 0. */
  readonly heldMs: number;
}

/** First message of a client that wants to watch. */
export interface WatchHello {
  readonly type: "hello";
  readonly version: number;
  readonly role: "watch";
  /** Most frames a second that it wants, `null` for all. */
  readonly fps: number | null;
  /** Longest delay in milliseconds that frames under way to it may stand for. */
  readonly maxDelayMs: number;
}

/** The configuration of the frames that follow, from a publisher or to a viewer. */
export interface ConfigMessage extends StreamConfig {
  readonly type: "config";
  /** Number of the publisher's session or configuration; 0 on the way to the relay. */
  readonly epoch: number;
}

/** The same message to a viewer. */
export interface ViewerConfigMessage extends ConfigMessage {
  /** Stands for the session of the frames' publisher, `null` where it has none. */
  readonly session: string | null;
  /** What is subtracted from a frame's sequence to get the one under which it was published. */
  readonly offset: number;
}

/** A viewer has received every frame up to this one. */
export interface AckMessage {
  readonly type: "ack";
  readonly sequence: number;
  /** How long the viewer has had that frame, in milliseconds. @default {0} */
  readonly heldMs?: number;
}

/** Asks for the relay's clock; the answer repeats `clientUs` and adds `serverUs`. */
export interface TimeRequest {
  readonly type: "time";
  /** The client's clock in microseconds since the Unix epoch. */
  readonly clientUs: number;
  /** The shortest way to the relay and back lately, in microseconds; `null` before it is known. */
  readonly roundTripUs: number | null;
}

/** To the relay: no more frames come. From it: none come (viewer), all have left (publisher). */
export interface EndMessage {
  readonly type: "end";
}

/** What a client may send. */
export type ClientMessage =
  | PublishHello
  | WatchHello
  | ConfigMessage
  | AckMessage
  | TimeRequest
  | EndMessage;

/** The relay's answer to a hello. */
export interface Welcome {
  readonly type: "welcome";
  readonly version: number;
  readonly role: "publish" | "watch";
  /** The stream's name. */
  readonly stream: string;
  /** Name of the stream's run; sequences of different runs do not compare. */
  readonly run: string;
  readonly fps: FrameRate;
  /** Largest frame in bytes. */
  readonly maxFrameBytes: number;
  readonly publishing: boolean;
  /** Sequence of the last frame received in the publisher's session; 0 for a viewer or a new one. */
  readonly received: number;
  /** The flags of a frame's header that the relay knows. */
  readonly flags: number;
}

/** Totals of frames and bytes since the connection began that a publisher may reach. */
export interface CreditMessage {
  readonly type: "credit";
  readonly frames: number;
  readonly bytes: number;
  /** Sequence of the last frame received in this session. */
  readonly received: number;
}

/** Numbers of a stream, the same as in the API. */
export interface StreamStatus extends StreamConfigStatus, StreamNumbers {
  /** Its name. */
  readonly name: string;
  /** Frames a second that may leave, or `"source"`: as they come. */
  readonly fps: FrameRate;
  /** Whether there is a publisher. */
  readonly publishing: boolean;
  /** Whether the source has a pace of its own, at which its frames leave; `null` without one. */
  readonly live: boolean | null;
  /** Of the viewers that confirm what they receive; `null` while no frame has been confirmed. */
  readonly latency: LatencyStatus | null;
  /**
   * Of the frames of the last three seconds in which any came; `null` before the first. Frames of a
   * bare client, which tells no capture times, do not count.
   */
  readonly arrival: ArrivalStatus | null;
}

/** How long frames took from the publisher's capture to the relay, in milliseconds. */
export interface ArrivalStatus {
  /** Half of the frames took no longer. */
  readonly medianMs: number;
  /** The longest. */
  readonly maxMs: number;
}

/** How long the last frame of each viewer took, over all viewers, in milliseconds. */
export interface LatencyStatus {
  /** From the publisher's capture to the viewer's acknowledgement. */
  readonly medianMs: number;
  /** The longest of those. */
  readonly maxMs: number;
  /** The relay's part of that, on its own clock: from receiving the frame to sending it. */
  readonly relayMedianMs: number;
  /** The longest of those. */
  readonly relayMaxMs: number;
}

/** Numbers of one viewer. */
export interface ViewerStatus {
  /** Whether it confirms what it receives: a viewer without a protocol does not. */
  readonly confirming: boolean;
  /** Milliseconds from the publisher's capture to its acknowledgement of the last frame. */
  readonly latencyMs: number | null;
  /** The relay's part of that. */
  readonly relayMs: number | null;
  /** Milliseconds from sending that frame to its acknowledgement. */
  readonly roundTripMs: number | null;
  /** Frames and bytes sent to it so far. */
  readonly sent: { readonly frames: number; readonly bytes: number };
  /** Frames that it did not get, for each reason. */
  readonly dropped: Readonly<DropCounts>;
  /** Frames and bytes that it has not acknowledged. */
  readonly underWay: { readonly frames: number; readonly bytes: number };
}

/** One viewer among those of a stream. */
export interface ListedViewer extends ViewerStatus {
  /** Its number, which no other viewer of the relay ever has. */
  readonly id: number;
}

/** The configuration's part of a {@linkcode StreamStatus}; all `null` before the first frame. */
export interface StreamConfigStatus {
  /** What the bytes of a frame are. */
  readonly format: StreamFormat | null;
  /** What one frame is coded with: `jpeg`, `png`, `raw`, or an RFC 6381 codec string. */
  readonly codec: string | null;
  /** Picture width in pixels. */
  readonly width: number | null;
  /** Picture height in pixels. */
  readonly height: number | null;
  /** Pixel format under its ffmpeg name, for pictures that are not compressed. */
  readonly pixelFormat: string | null;
  /** Frames a second, as the input itself says. */
  readonly frameRate: number | null;
  /** How pictures are turned and stretched, as in {@linkcode StreamConfig}. Absent: they are not. */
  readonly rotation?: number;
  /** Width in pixels to which a picture is stretched. */
  readonly displayWidth?: number;
  /** Height in pixels to which a picture is stretched. */
  readonly displayHeight?: number;
}

/** Once a second: numbers of the stream, and for a viewer its own. */
export interface StatsMessage {
  readonly type: "stats";
  readonly stream: StreamStatus;
  readonly viewer: ViewerStatus | null;
}

/** The relay's clock. */
export interface TimeAnswer {
  readonly type: "time";
  /** Repeated from the request. */
  readonly clientUs: number;
  /** The relay's clock in microseconds since the Unix epoch. */
  readonly serverUs: number;
}

/** What the relay may send. */
export type ServerMessage =
  | Welcome
  | CreditMessage
  | ViewerConfigMessage
  | StatsMessage
  | TimeAnswer
  | EndMessage;

/** The text of a control message. */
export function encodeControl(message: ClientMessage | ServerMessage): string {
  return JSON.stringify(message);
}

/**
 * Reads a client's control message. Fields that are not known are ignored.
 *
 * @throws {ProtocolError} when it is too long, not JSON, of an unknown type, or has a wrong field
 */
export function decodeClientMessage(text: string): ClientMessage {
  const fields = new Fields(text);
  switch (fields.type) {
    case "hello":
      return hello(fields);
    case "config":
      return config(fields);
    case "ack":
      return {
        type: "ack",
        sequence: fields.integer("sequence", 1),
        heldMs: fields.number("heldMs", 0, MAX_HELD_MS, 0),
      };
    case "time":
      return {
        type: "time",
        clientUs: fields.integer("clientUs", 0),
        roundTripUs: fields.nullable("roundTripUs", (name) => fields.integer(name, 0)),
      };
    case "end":
      return { type: "end" };
    default:
      throw fields.unknownType();
  }
}

/**
 * Reads a control message of the relay. Fields that are not known are ignored.
 *
 * @throws {ProtocolError} as {@linkcode decodeClientMessage}
 */
export function decodeServerMessage(text: string): ServerMessage {
  const fields = new Fields(text);
  switch (fields.type) {
    case "welcome":
      return {
        type: "welcome",
        version: fields.integer("version", 1),
        role: fields.oneOf("role", ["publish", "watch"]),
        stream: fields.text("stream"),
        run: fields.text("run"),
        fps: fields.frameRate("fps"),
        maxFrameBytes: fields.integer("maxFrameBytes", 1),
        publishing: fields.boolean("publishing"),
        received: fields.integer("received", 0),
        flags: fields.integer("flags", 0, FIRST_FLAGS),
      };
    case "credit":
      return {
        type: "credit",
        frames: fields.integer("frames", 0),
        bytes: fields.integer("bytes", 0),
        received: fields.integer("received", 0),
      };
    case "config":
      return {
        ...config(fields),
        session: fields.nullable("session", (name) => fields.text(name)),
        offset: fields.integer("offset", -Number.MAX_SAFE_INTEGER, 0),
      };
    case "stats":
      return fields.as<StatsMessage>(STATS);
    case "time":
      return {
        type: "time",
        clientUs: fields.integer("clientUs", 0),
        serverUs: fields.integer("serverUs", 0),
      };
    case "end":
      return { type: "end" };
    default:
      throw fields.unknownType();
  }
}

/** What clients use of a `stats` message; a relay of another release may leave out anything. */
const STATS = object({
  stream: object({
    fps: optional(frameRate),
    publishing: optional(flag),
    live: optional(flag),
    viewers: optional(number),
    rate: optional(object({ framesPerSecond: number })),
    queue: optional(object({ frames: number })),
    dropped: optional(numbers),
    arrival: optional(object({ medianMs: optional(number) })),
  }),
  viewer: optional(object({
    latencyMs: optional(number),
    relayMs: optional(number),
    roundTripMs: optional(number),
  })),
});

function hello(fields: Fields): PublishHello | WatchHello {
  const version = fields.integer("version", 0);
  if (version !== 1) {
    throw new ProtocolError(
      CLOSE.badVersion,
      `version ${version} of the protocol is not spoken here, version 1 is`,
    );
  }
  if (fields.oneOf("role", ["publish", "watch"]) === "publish") {
    return {
      type: "hello",
      version,
      role: "publish",
      // Those without a name would be taken for one publisher.
      session: fields.text("session", 1),
      takeover: fields.boolean("takeover", false),
      onFull: fields.oneOf("onFull", ["wait", "drop"], "wait"),
      // Who does not know of it does not tell either when it has waited for credit.
      live: fields.has("live") ? fields.nullable("live", (name) => fields.boolean(name)) : false,
      heldMs: fields.number("heldMs", 0, MAX_HELD_UP_MS, 0),
    };
  }
  return {
    type: "hello",
    version,
    role: "watch",
    fps: fields.nullable("fps", (name) => fields.number(name, 0.001, 1000)),
    maxDelayMs: fields.number("maxDelayMs", 1, 60_000, DEFAULT_MAX_DELAY_MS),
  };
}

function config(fields: Fields): ConfigMessage {
  const text = (name: string) => fields.text(name);
  const size = (name: string) => fields.integer(name, 1);
  return {
    type: "config",
    epoch: fields.integer("epoch", 0),
    format: fields.oneOf("format", STREAM_FORMATS),
    codec: fields.nullable("codec", text),
    width: fields.nullable("width", size),
    height: fields.nullable("height", size),
    pixelFormat: fields.nullable("pixelFormat", text),
    frameRate: fields.nullable("frameRate", (name) => fields.number(name, 0, 1e9)),
    header: fields.nullable("header", text),
    ...presentation(fields),
  };
}

/** Fields that are absent where nothing is to be said; `null` says the same. */
function presentation(fields: Fields): Presentation {
  const side = (name: string) => fields.integer(name, 1);
  const code = (name: string) => fields.codePoint(name);
  return {
    ...fields.optional("rotation", (name) => fields.rotation(name)),
    ...fields.optional("displayWidth", side),
    ...fields.optional("displayHeight", side),
    ...fields.optional("primaries", code),
    ...fields.optional("transfer", code),
    ...fields.optional("matrix", code),
    ...fields.optional("fullRange", (name) => fields.boolean(name)),
  };
}

/** The fields of one message, each read with a check. */
class Fields {
  readonly type: unknown;
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(text: string) {
    if (text.length > MAX_CONTROL_LENGTH) {
      throw new ProtocolError(
        CLOSE.tooLarge,
        `a control message has ${text.length} characters, at most ${MAX_CONTROL_LENGTH} are allowed`,
      );
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw new ProtocolError(CLOSE.invalidData, "a control message is not JSON", { cause });
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new ProtocolError(CLOSE.invalidData, "a control message is not a JSON object");
    }
    this.#values = value as Record<string, unknown>;
    this.type = Object.hasOwn(value, "type") ? this.#values.type : undefined;
  }

  unknownType(): ProtocolError {
    const type = typeof this.type === "string" ? `"${this.type.slice(0, 32)}"` : "no text";
    return new ProtocolError(CLOSE.protocolError, `a control message has the type ${type}`);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#values, name);
  }

  text(name: string, minLength = 0): string {
    const value = this.#value(name);
    if (typeof value !== "string" || value.length > MAX_TEXT_LENGTH || value.length < minLength) {
      const length = minLength === 0 ? "at most" : `${minLength} to`;
      throw this.#wrong(name, `a text of ${length} ${MAX_TEXT_LENGTH} characters`);
    }
    return value;
  }

  boolean(name: string, fallback?: boolean): boolean {
    const value = this.#value(name) ?? fallback;
    if (typeof value !== "boolean") throw this.#wrong(name, "true or false");
    return value;
  }

  integer(name: string, min: number, fallback?: number): number {
    const value = this.#value(name) ?? fallback;
    if (!Number.isSafeInteger(value) || (value as number) < min) {
      throw this.#wrong(name, `an integer from ${min}`);
    }
    return value as number;
  }

  number(name: string, min: number, max: number, fallback?: number): number {
    const value = this.#value(name) ?? fallback;
    if (typeof value !== "number" || !(value >= min && value <= max)) {
      throw this.#wrong(name, `a number from ${min} to ${max}`);
    }
    return value;
  }

  oneOf<T extends string>(name: string, values: readonly T[], fallback?: T): T {
    const value = this.#value(name) ?? fallback;
    if (!values.includes(value as T)) throw this.#wrong(name, `one of ${values.join(", ")}`);
    return value as T;
  }

  frameRate(name: string): FrameRate {
    return this.#value(name) === "source" ? "source" : this.number(name, 0, 1e6);
  }

  nullable<T>(name: string, read: (name: string) => T): T | null {
    return (this.#value(name) ?? null) === null ? null : read(name);
  }

  /** The field under its name, or nothing where it is absent. */
  optional<Name extends string, T>(
    name: Name,
    read: (name: Name) => T,
  ): { readonly [_ in Name]?: T } {
    if ((this.#value(name) ?? null) === null) return {};
    return { [name]: read(name) } as { readonly [_ in Name]?: T };
  }

  /** A quarter of a turn, or two or three. */
  rotation(name: string): number {
    const value = this.#value(name);
    if (!ROTATIONS.includes(value as number)) {
      throw this.#wrong(name, `one of ${ROTATIONS.join(", ")}`);
    }
    return value as number;
  }

  /** A code point of ITU-T H.273. */
  codePoint(name: string): number {
    const value = this.integer(name, 0);
    if (value > MAX_CODE_POINT) throw this.#wrong(name, `an integer up to ${MAX_CODE_POINT}`);
    return value;
  }

  /** The whole message, if it has the `shape` of one. */
  as<T>(shape: Check): T {
    if (!shape(this.#values)) {
      throw new ProtocolError(
        CLOSE.invalidData,
        `a ${this.type} message has a field that is not what it should be`,
      );
    }
    return this.#values as T;
  }

  #value(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
  }

  #wrong(name: string, expected: string): ProtocolError {
    return new ProtocolError(
      CLOSE.invalidData,
      `the field "${name}" of a ${this.type} message is not ${expected}`,
    );
  }
}
