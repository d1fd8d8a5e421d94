/**
 * The publisher's side of `stream.v1`, without the socket. One session outlives its connections: a
 * frame is kept until the relay has confirmed it, and sent again over the next connection. One that
 * outlives the relay also brings its next run what viewers need to go on.
 *
 * @module
 */
import { release } from "../bytes/release.ts";
import type { FrameTotals } from "../core/feed.ts";
import type { FrameKind, StreamConfig } from "../core/frame.ts";
import { ProtocolError, StreamError } from "../errors.ts";
import { CLOSE } from "./close_code.ts";
import { CaptureClock } from "./capture_clock.ts";
import { ClockOffset } from "./clock_offset.ts";
import {
  decodeServerMessage,
  encodeControl,
  type StatsMessage,
  type Welcome,
} from "./control_message.ts";
import { encodeFrameMessage, FLAG_HELD, VERSION } from "./frame_message.ts";
import { SentGop } from "./sent_gop.ts";

/** Most bytes that are kept for a relay that confirms nothing. */
const MAX_KEPT_BYTES = 256 * 1024 * 1024;
/**
 * Most frames that wait for credit before they are dropped or no more are read, their bytes, and how
 * long, in µs.
 */
const MAX_WAITING_FRAMES = 60;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const MAX_WAIT_US = 500_000;

/** Options of a {@linkcode PublisherSession}. */
export interface PublisherSessionOptions {
  /** Name of this run, unique. */
  readonly session: string;
  /** Take the stream from a publisher that is there. */
  readonly takeover: boolean;
  /** Wait for credit, or drop the older of two frames that have none. */
  readonly onFull: "wait" | "drop";
  /** Whether the relay may have another run, which needs what the last one had. Absent: true. */
  readonly outlivesRelay?: boolean;
}

/** A frame on its way to the relay. */
export interface OutgoingFrame {
  /** Belongs to the session, which frees it once the relay has it. */
  readonly data: Uint8Array<ArrayBuffer>;
  readonly kind: FrameKind;
  readonly leading?: boolean;
  readonly configuration?: boolean;
  readonly config: StreamConfig;
  readonly ptsUs: number | null;
  /** Time of capture in microseconds since the Unix epoch, on the own clock. */
  readonly captureUs: number;
  /** Whether there was no credit when it could have been read. Absent: false. */
  readonly isHeld?: boolean;
  /** Whether it is not to be shown for its own time: a film begins behind it. Absent: false. */
  readonly catchUp?: boolean;
}

interface KeptFrame extends OutgoingFrame {
  readonly sequence: number;
  /** Time of capture on the relay's clock, once it has gone out. */
  stampUs?: number;
}

/** Orders, numbers, keeps and sends the frames of one publisher. */
export class PublisherSession {
  readonly #options: PublisherSessionOptions;
  readonly #clock = new ClockOffset();
  readonly #captureClock = new CaptureClock(this.#clock);
  /** Frames sent but not confirmed, then frames not sent. */
  #kept: KeptFrame[] = [];
  #keptBytes = 0;
  #unsentFrom = 0;
  /** Frames that the relay has confirmed, for its next run. */
  readonly #gop = new SentGop<KeptFrame>();
  /** Frames at the front of those kept that an earlier run of the relay has confirmed. */
  #again = 0;
  /** The relay's run in the last welcome. */
  #run: string | undefined;
  /** Sequence of the last frame that went out, over whatever connection. */
  #sentTo = 0;
  readonly #sent: FrameTotals = { frames: 0, bytes: 0 };
  #sequence = 0;
  #dropped = 0;
  /** Whether delta frames are dropped until the next key frame. */
  #awaitsKey = false;
  #welcome: Welcome | undefined;
  #stats: StatsMessage | undefined;
  #config: StreamConfig | undefined;
  #frames = 0;
  #bytes = 0;
  #credit = { frames: 0, bytes: 0 };
  #ending: "no" | "asked" | "sent" | "done" = "no";

  constructor(options: PublisherSessionOptions) {
    this.#options = options;
  }

  /** Frames dropped because there was no credit for them. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Frames and bytes that went out; what goes out again counts once. */
  get sent(): Readonly<FrameTotals> {
    return this.#sent;
  }

  /** Frames that the relay has not confirmed: under way, or waiting for credit. */
  get waiting(): number {
    return this.#kept.length - this.#again;
  }

  /** Frames that have not gone out over this connection. */
  get unsent(): number {
    return this.#kept.length - this.#unsentFrom;
  }

  /** When the oldest frame was captured that no run of the relay has confirmed, if there is one. */
  get oldestUs(): number | undefined {
    return this.#kept[this.#again]?.captureUs;
  }

  /** The relay's greeting, once it has come over this connection. */
  get welcome(): Welcome | undefined {
    return this.#welcome;
  }

  /** The relay's last numbers. */
  get stats(): StatsMessage | undefined {
    return this.#stats;
  }

  /** Whether another frame would be sent as soon as it is there, so that input should be read. */
  get wantsFrame(): boolean {
    return this.#unsentFrom === this.#kept.length && this.#mayBegin();
  }

  /** Whether another frame may be kept for a relay that is gone. */
  get mayHold(): boolean {
    return this.waiting < MAX_WAITING_FRAMES && this.#keptBytes < MAX_WAITING_BYTES;
  }

  /** Whether all frames and the end have reached the relay's viewers. */
  get isDone(): boolean {
    return this.#ending === "done";
  }

  /**
   * Begins a connection and returns its first message. `live` is what is known of the source:
   * whether it is live, `null` where the relay is to see that, and for how long it has been held up.
   */
  open(live: boolean | null = null, heldMs = 0): string {
    this.#welcome = undefined;
    this.#config = undefined;
    this.#frames = 0;
    this.#bytes = 0;
    this.#credit = { frames: 0, bytes: 0 };
    this.#unsentFrom = 0;
    if (this.#ending === "sent") this.#ending = "asked";
    const { session, takeover, onFull } = this.#options;
    return encodeControl({
      type: "hello",
      version: VERSION,
      role: "publish",
      session,
      takeover,
      onFull,
      live,
      heldMs,
    });
  }

  /**
   * Whether frames can be stamped by the relay's clock, or nobody tells it: what is stamped before
   * is on the own one for good, but for slow corrections.
   */
  get canStamp(): boolean {
    return this.#clock.isSettled;
  }

  /** Time until the relay's clock should be asked for again, in milliseconds. */
  get clockIntervalMs(): number {
    return this.#clock.intervalMs;
  }

  /** The message that asks for the relay's clock. */
  askTime(nowUs: number): string {
    return encodeControl(this.#clock.request(nowUs));
  }

  /**
   * Adds a frame. With `drop`, frames that wait for credit give way to a key frame; a delta frame,
   * which is of no use without them, waits with them for a while and then is dropped with them.
   *
   * @throws {StreamError} (`bad_input`) when it is larger than the relay takes
   */
  add(frame: OutgoingFrame): void {
    this.#sequence++;
    const size = frame.data.byteLength;
    const maxBytes = this.#welcome?.maxFrameBytes ?? Infinity;
    if (size > maxBytes) {
      throw new StreamError(
        "bad_input",
        `Cannot publish frame ${this.#sequence}: it has ${size} bytes, the relay takes at most ` +
          `${maxBytes}; start the relay with a larger --max-frame`,
      );
    }
    if (this.#options.onFull === "drop" && !this.#makeRoom(frame)) {
      this.#dropped++;
      return;
    }
    this.#kept.push({ ...frame, sequence: this.#sequence });
    this.#keptBytes += size;
  }

  /** The source has a frame that is not published. */
  leaveOut(): void {
    this.#sequence++;
    this.#dropped++;
  }

  /** No more frames come. */
  end(): void {
    if (this.#ending === "no") this.#ending = "asked";
  }

  /**
   * Takes a message of the relay.
   *
   * @throws {ProtocolError} when it is broken or not allowed here
   */
  receive(message: string | Uint8Array<ArrayBuffer>, nowUs: number): void {
    if (typeof message !== "string") {
      throw new ProtocolError(CLOSE.unsupportedData, "the relay sent a frame to a publisher");
    }
    const control = decodeServerMessage(message);
    if (control.type === "welcome") {
      this.#welcome = control;
      if (control.received === 0 && this.#run !== undefined && this.#run !== control.run) {
        this.#repeat();
      }
      this.#run = control.run;
      this.#confirm(control.received);
    } else if (control.type === "credit") {
      this.#credit = control;
      this.#confirm(control.received);
    } else if (control.type === "time") {
      this.#clock.answer(control, nowUs);
    } else if (control.type === "stats") {
      this.#stats = control;
    } else if (control.type === "end" && this.#ending === "sent") {
      this.#ending = "done";
    } else {
      throw new ProtocolError(CLOSE.protocolError, `the relay sent ${control.type} to a publisher`);
    }
  }

  /** The next message to send, or `undefined` while there is none or no credit for it. */
  next(): string | Uint8Array<ArrayBuffer> | undefined {
    if (this.#welcome === undefined) return undefined;
    const frame = this.#kept[this.#unsentFrom];
    if (frame === undefined) {
      if (this.#ending !== "asked") return undefined;
      this.#ending = "sent";
      return encodeControl({ type: "end" });
    }
    if (!this.#mayBegin()) return undefined;
    if (frame.config !== this.#config) {
      this.#config = frame.config;
      return encodeControl({ type: "config", epoch: 0, ...frame.config });
    }
    const isAgain = this.#unsentFrom++ < this.#again;
    frame.stampUs ??= this.#captureClock.stamp(frame.captureUs);
    this.#frames++;
    this.#bytes += frame.data.byteLength;
    if (frame.sequence > this.#sentTo) {
      this.#sentTo = frame.sequence;
      this.#sent.frames++;
      this.#sent.bytes += frame.data.byteLength;
    }
    return encodeFrameMessage({
      key: frame.kind === "key",
      configuration: frame.configuration === true,
      discontinuity: false,
      catchUp: isAgain || frame.catchUp === true,
      leading: frame.leading === true,
      held: frame.isHeld === true && (this.#welcome.flags & FLAG_HELD) !== 0,
      epoch: 0,
      sequence: frame.sequence,
      ptsUs: frame.ptsUs,
      captureUs: frame.stampUs,
    }, frame.data);
  }

  /** Drops frames that wait for credit where `frame` needs that; false where it is dropped too. */
  #makeRoom(frame: OutgoingFrame): boolean {
    const isKey = frame.kind === "key";
    if (!isKey && this.#awaitsKey) return false;
    this.#awaitsKey = false;
    // What goes out again is old in any case.
    const newFrom = Math.max(this.#unsentFrom, this.#again);
    const oldest = this.#kept[newFrom];
    const bytesAgain = this.#kept.slice(0, this.#again)
      .reduce((sum, { data }) => sum + data.byteLength, 0);
    const isLate = oldest !== undefined && (
      frame.captureUs - oldest.captureUs > MAX_WAIT_US ||
      this.#kept.length - newFrom >= MAX_WAITING_FRAMES ||
      this.#keptBytes - bytesAgain >= MAX_WAITING_BYTES
    );
    if (!isKey && !isLate) return true;
    this.#dropped += this.#kept.length - newFrom;
    for (const { data } of this.#kept.splice(this.#unsentFrom)) this.#keptBytes -= data.byteLength;
    this.#again = Math.min(this.#again, this.#unsentFrom);
    this.#awaitsKey = !isKey;
    return isKey;
  }

  #mayBegin(): boolean {
    return this.#welcome !== undefined && this.#frames < this.#credit.frames &&
      this.#bytes < this.#credit.bytes && this.#keptBytes < MAX_KEPT_BYTES;
  }

  #confirm(received: number): void {
    let count = 0;
    while (count < this.#kept.length && this.#kept[count]!.sequence <= received) {
      const frame = this.#kept[count++]!;
      this.#keptBytes -= frame.data.byteLength;
      if (this.#options.outlivesRelay === false) release(frame.data);
      else this.#gop.push(frame);
    }
    this.#kept.splice(0, count);
    this.#unsentFrom = Math.max(0, this.#unsentFrom - count);
    this.#again = Math.max(0, this.#again - count);
  }

  /** Puts what the last run of the relay had, and viewers need to go on, before all that is kept. */
  #repeat(): void {
    const frames = this.#gop.take();
    this.#kept.unshift(...frames);
    this.#again += frames.length;
    for (const { data } of frames) this.#keptBytes += data.byteLength;
  }
}
