/**
 * The viewer's side of `stream.v1`, without the socket. One session outlives its connections, so
 * that no frame is seen twice.
 *
 * @module
 */
import { sameConfig, type StreamConfig } from "../core/frame.ts";
import { ProtocolError } from "../errors.ts";
import { CLOSE } from "./close_code.ts";
import { type Acknowledged, Acknowledgement } from "./acknowledgement.ts";
import { ClockOffset } from "./clock_offset.ts";
import {
  decodeServerMessage,
  encodeControl,
  type StatsMessage,
  type Welcome,
} from "./control_message.ts";
import { decodeFrameMessage, type FrameHeader, VERSION } from "./frame_message.ts";

/**
 * Most frames that can be missing between two: what a stream has in eleven days at 1,000 frames a second,
 * the most that a rate can be, and in a year at 30.
 */
const MAX_MISSING_FRAMES = 1e9;

/** Options of a {@linkcode ViewerSession}. */
export interface ViewerSessionOptions {
  /** Most frames a second, `null` for all. */
  readonly fps: number | null;
  /** Longest delay in milliseconds that frames under way may stand for. */
  readonly maxDelayMs: number;
}

/** What a message of the relay means to a viewer. */
export type ViewerEvent =
  | {
    readonly type: "frame";
    readonly header: FrameHeader;
    readonly data: Uint8Array<ArrayBuffer>;
    readonly config: StreamConfig;
    /** False for a frame that an earlier connection, also to another run of the relay, has brought. */
    readonly isNew: boolean;
    /** Time from capture to now in microseconds, once the clocks have been compared. */
    readonly latencyUs: number | undefined;
  }
  | { readonly type: "welcome"; readonly welcome: Welcome }
  | { readonly type: "config"; readonly config: StreamConfig }
  | { readonly type: "stats"; readonly stats: StatsMessage }
  | { readonly type: "end" }
  | { readonly type: "time" };

/** Reads what the relay sends to a viewer. */
export class ViewerSession {
  readonly #options: ViewerSessionOptions;
  readonly #clock = new ClockOffset();
  #welcome: Welcome | undefined;
  #run: string | undefined;
  #stats: StatsMessage | undefined;
  #config: StreamConfig | undefined;
  #epoch = 0;
  /** Of the frames that follow: their publisher's session, and how its sequences differ. */
  #session: string | null = null;
  #offset = 0;
  /** Last sequence of the relay's run. */
  #sequence = 0;
  /** The session of the last frame that was new, and the sequence under which it was published. */
  #last: { readonly session: string; readonly sentAs: number } | undefined;
  #lastConfig: StreamConfig | undefined;
  #skipped = 0;
  #acknowledgement: Acknowledgement;

  constructor(options: ViewerSessionOptions) {
    this.#options = options;
    this.#acknowledgement = new Acknowledgement(options.maxDelayMs);
  }

  /** The relay's greeting, once it has come over this connection. */
  get welcome(): Welcome | undefined {
    return this.#welcome;
  }

  /** The relay's last numbers. */
  get stats(): StatsMessage | undefined {
    return this.#stats;
  }

  /** Frames of the stream that passed this viewer by since its first. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Begins a connection and returns its first message. */
  open(): string {
    this.#welcome = undefined;
    this.#config = undefined;
    this.#acknowledgement = new Acknowledgement(this.#options.maxDelayMs);
    return encodeControl({ type: "hello", version: VERSION, role: "watch", ...this.#options });
  }

  /** The relay's clock, as far as it is known. */
  get clock(): Readonly<Pick<ClockOffset, "isKnown" | "offsetUs" | "errorUs">> {
    return this.#clock;
  }

  /** Time until the relay's clock should be asked for again, in milliseconds. */
  get clockIntervalMs(): number {
    return this.#clock.intervalMs;
  }

  /** The message that asks for the relay's clock. */
  askTime(nowUs: number): string {
    return encodeControl(this.#clock.request(nowUs));
  }

  /** The message that confirms every frame up to `sequence`, which is `heldMs` old here. */
  acknowledge(sequence: number, heldMs = 0): string {
    return encodeAck({ sequence, heldMs });
  }

  /** The frame `sequence` is to be confirmed; returns the message where it is to be sent now. */
  confirm(sequence: number, nowMs: number): string | undefined {
    return encodeAck(this.#acknowledgement.received(sequence, nowMs));
  }

  /** When {@linkcode confirmDue} has a message; `Infinity` while every frame is confirmed. */
  get confirmDeadlineMs(): number {
    return this.#acknowledgement.deadlineMs;
  }

  /** The message that confirms what has waited for long enough. */
  confirmDue(nowMs: number): string | undefined {
    return encodeAck(this.#acknowledgement.due(nowMs));
  }

  /** The message that confirms what is not confirmed, for a viewer that leaves. */
  confirmRest(nowMs: number): string | undefined {
    return encodeAck(this.#acknowledgement.flush(nowMs));
  }

  /**
   * Takes a message of the relay.
   *
   * @throws {ProtocolError} when it is broken or not allowed here
   */
  receive(message: string | Uint8Array<ArrayBuffer>, nowUs: number): ViewerEvent {
    return typeof message === "string"
      ? this.#control(message, nowUs)
      : this.#frame(message, nowUs);
  }

  #control(text: string, nowUs: number): ViewerEvent {
    const message = decodeServerMessage(text);
    switch (message.type) {
      case "welcome":
        this.#welcome = message;
        if (message.run !== this.#run) this.#sequence = 0;
        this.#run = message.run;
        return { type: "welcome", welcome: message };
      case "config": {
        const { type: _, epoch, session, offset, ...config } = message;
        this.#config = config;
        this.#epoch = epoch;
        this.#session = session;
        this.#offset = offset;
        return { type: "config", config };
      }
      case "stats":
        this.#stats = message;
        return { type: "stats", stats: message };
      case "time":
        this.#clock.answer(message, nowUs);
        return { type: "time" };
      case "end":
        return { type: "end" };
      default:
        throw new ProtocolError(CLOSE.protocolError, `the relay sent ${message.type} to a viewer`);
    }
  }

  #frame(bytes: Uint8Array<ArrayBuffer>, nowUs: number): ViewerEvent {
    const { header, data } = decodeFrameMessage(bytes);
    if (this.#config === undefined || header.epoch !== this.#epoch) {
      throw new ProtocolError(
        CLOSE.protocolError,
        `the relay sent a frame of epoch ${header.epoch} without its configuration`,
      );
    }
    const goesOn = this.#session !== null && this.#session === this.#last?.session &&
      this.#lastConfig !== undefined && sameConfig(this.#lastConfig, this.#config);
    const isNew = this.#take(header.sequence);
    if (isNew) this.#lastConfig = this.#config;
    // Clocks that do not quite agree would make it negative.
    const latencyUs = this.#clock.isKnown
      ? Math.max(0, nowUs + this.#clock.offsetUs - header.captureUs)
      : undefined;
    return {
      type: "frame",
      // An epoch of another run of the relay is none to a viewer that goes on behind its last frame.
      header: goesOn ? { ...header, discontinuity: false } : header,
      data,
      config: this.#config,
      isNew,
      latencyUs,
    };
  }

  /**
   * Whether the frame of this sequence has not come before: its publisher's sequences tell, also
   * across runs of the relay, where it is known whose they are.
   */
  #take(sequence: number): boolean {
    const session = this.#session;
    const sentAs = sequence - this.#offset;
    const gap = session !== null && session === this.#last?.session
      ? sentAs - this.#last.sentAs
      : this.#sequence > 0
      ? sequence - this.#sequence
      : 1;
    if (gap - 1 > MAX_MISSING_FRAMES) {
      throw new ProtocolError(
        CLOSE.protocolError,
        `${gap - 1} frames are missing before frame ${sequence}, more than there can be`,
      );
    }
    this.#sequence = Math.max(this.#sequence, sequence);
    if (gap <= 0) return false;
    this.#skipped += gap - 1;
    this.#last = session === null ? undefined : { session, sentAs };
    return true;
  }
}

function encodeAck(acknowledged: Acknowledged): string;
function encodeAck(acknowledged: Acknowledged | undefined): string | undefined;
function encodeAck(acknowledged: Acknowledged | undefined): string | undefined {
  if (acknowledged === undefined) return undefined;
  const { sequence, heldMs } = acknowledged;
  return encodeControl({ type: "ack", sequence, ...(heldMs > 0 ? { heldMs } : {}) });
}
