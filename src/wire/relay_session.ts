/**
 * The relay's side of one `stream.v1` connection, without the socket: messages in, events out.
 *
 * @module
 */
import type { Credit } from "../core/allowance.ts";
import { ProtocolError } from "../errors.ts";
import { CLOSE } from "./close_code.ts";
import {
  type AckMessage,
  type ConfigMessage,
  type CreditMessage,
  decodeClientMessage,
  type PublishHello,
  type TimeRequest,
  type WatchHello,
} from "./control_message.ts";
import { decodeFrameMessage, type FrameMessage } from "./frame_message.ts";

/** What a message of the peer means. */
export type RelayEvent =
  | PublishHello
  | WatchHello
  | ConfigMessage
  | TimeRequest
  | { readonly type: "frame"; readonly message: FrameMessage; readonly missing: number }
  | AckMessage
  | { readonly type: "end" };

type State = "greeting" | "publish" | "watch" | "ended";

/** The control messages that a peer may send. */
const ALLOWED: Readonly<Record<State, readonly string[]>> = {
  greeting: ["hello"],
  publish: ["config", "time", "end"],
  watch: ["ack", "time"],
  ended: ["time"],
};

/** Most frames that a publisher may have dropped between two, so that no count grows beyond sense. */
const MAX_MISSING_FRAMES = 10_000_000;

/** Reads what a peer sends, in the order that its role allows. */
export class RelaySession {
  readonly #maxFrameBytes: number;
  #state: State;
  #configured = false;
  #frames = 0;
  #bytes = 0;
  #credit: Credit = { frames: 0, bytes: 0 };
  #received = 0;
  /** False until a frame of this session has come: a first sequence then says nothing of gaps. */
  #resumed = false;

  /** `role`: what the hello says, where another session has read it. */
  constructor(options: { readonly maxFrameBytes: number; readonly role?: "publish" | "watch" }) {
    this.#maxFrameBytes = options.maxFrameBytes;
    this.#state = options.role ?? "greeting";
  }

  /** Frames and bytes that came over this connection. */
  get totals(): { readonly frames: number; readonly bytes: number } {
    return { frames: this.#frames, bytes: this.#bytes };
  }

  /** Sequence of the last frame received in the publisher's session, 0 before the first. */
  get received(): number {
    return this.#received;
  }

  /** Goes on where the publisher's last connection ended. */
  resume(received: number): void {
    this.#received = received;
    this.#resumed = received > 0;
  }

  /**
   * Takes a message and returns what it means.
   *
   * @throws {ProtocolError} when the message is broken or not allowed in this state
   */
  receive(message: string | Uint8Array<ArrayBuffer>): RelayEvent {
    return typeof message === "string" ? this.#control(message) : this.#frame(message);
  }

  /**
   * The message that raises the publisher's credit to `credit`; `undefined` while that would add
   * less than a quarter to what the publisher still has.
   */
  grant(credit: Credit): CreditMessage | undefined {
    const frames = Math.max(credit.frames, this.#credit.frames);
    const bytes = Math.max(credit.bytes, this.#credit.bytes);
    const isWorth = (next: number, given: number, used: number) =>
      next > given && (next - given) * 4 >= next - used;
    if (
      !isWorth(frames, this.#credit.frames, this.#frames) &&
      !isWorth(bytes, this.#credit.bytes, this.#bytes)
    ) return undefined;
    this.#credit = { frames, bytes };
    return { type: "credit", frames, bytes, received: this.#received };
  }

  #control(text: string): RelayEvent {
    const message = decodeClientMessage(text);
    if (!ALLOWED[this.#state].includes(message.type)) {
      throw this.#misplaced(`a message of type ${message.type}`);
    }
    if (message.type === "hello") this.#state = message.role;
    if (message.type === "config") this.#configured = true;
    if (message.type === "end") this.#state = "ended";
    return message;
  }

  #frame(bytes: Uint8Array<ArrayBuffer>): RelayEvent {
    if (this.#state !== "publish") throw this.#misplaced("a frame");
    const message = decodeFrameMessage(bytes);
    const size = message.data.byteLength;
    if (size > this.#maxFrameBytes) {
      throw new ProtocolError(
        CLOSE.tooLarge,
        `a frame has ${size} bytes, at most ${this.#maxFrameBytes} are allowed (--max-frame)`,
      );
    }
    if (!this.#configured) throw this.#misplaced("a frame before its configuration");
    if (this.#frames >= this.#credit.frames || this.#bytes >= this.#credit.bytes) {
      throw new ProtocolError(
        CLOSE.overCredit,
        `a frame arrived without credit: ${this.#frames} frames of ${this.#credit.frames} and ` +
          `${this.#bytes} bytes of ${this.#credit.bytes} are used`,
      );
    }
    const { sequence } = message.header;
    if (sequence <= this.#received) {
      throw new ProtocolError(
        CLOSE.protocolError,
        `a frame has sequence ${sequence}, but it must be above ${this.#received}`,
      );
    }
    const missing = this.#resumed ? sequence - this.#received - 1 : 0;
    if (missing > MAX_MISSING_FRAMES) {
      throw new ProtocolError(
        CLOSE.protocolError,
        `a frame has sequence ${sequence} after ${this.#received}: at most ` +
          `${MAX_MISSING_FRAMES} may be missing`,
      );
    }
    this.#resumed = true;
    this.#received = sequence;
    this.#frames++;
    this.#bytes += size;
    return { type: "frame", message, missing };
  }

  #misplaced(what: string): ProtocolError {
    const state = {
      greeting: "before the hello",
      publish: "from a publisher",
      watch: "from a viewer",
      ended: "after the end",
    }[this.#state];
    return new ProtocolError(CLOSE.protocolError, `${what} is not allowed ${state}`);
  }
}
