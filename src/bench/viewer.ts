/**
 * One viewer of a load.
 *
 * @module
 */
import { messageOf, ProtocolError, StreamError } from "../errors.ts";
import type { Clock } from "../host/clock.ts";
import { type Acknowledged, Acknowledgement } from "../wire/acknowledgement.ts";
import { DEFAULT_MAX_DELAY_MS, encodeControl } from "../wire/control_message.ts";
import { decodeFrameMessage, VERSION } from "../wire/frame_message.ts";
import type { Pass } from "../net/pass.ts";
import { type ByteSocket, openSocket } from "./byte_socket.ts";
import { Handshake } from "./handshake.ts";
import { maskedFrame, MessageReader, OPCODE } from "./message_reader.ts";

/** A frame that a viewer has received. */
export interface Arrival {
  /** The frame's first bytes, valid during the call. */
  readonly head: Uint8Array<ArrayBuffer>;
  /** The frame's length, without the protocol's header. */
  readonly bytes: number;
  /** The header's capture time in µs of the relay's clock, `null` for a bare viewer. */
  readonly captureUs: number | null;
}

/** Who hears of a viewer. */
export interface ViewerListener {
  /** The handshake is over, and the hello sent. */
  connected(): void;
  frame(arrival: Arrival): void;
  text(text: string): void;
  /** It could not connect, or was closed. */
  lost(error: StreamError): void;
}

/** Options of a {@linkcode Viewer}. */
export interface ViewerOptions {
  /** The stream's WebSocket address. */
  readonly url: string;
  /** What goes with the connection. @default {nothing} */
  readonly pass?: Pass;
  readonly isBare: boolean;
  /** Whether it reads nothing behind the handshake. */
  readonly isStalled: boolean;
  /** Where bytes are read to; others may use it, too. */
  readonly buffer: Uint8Array<ArrayBuffer>;
  readonly clock: Clock;
}

/** The payload of a goodbye with code 1000. */
const GOODBYE = Uint8Array.of(0x03, 0xe8);

/** Connects and receives; there is no second try. */
export class Viewer {
  readonly #options: ViewerOptions;
  readonly #listener: ViewerListener;
  readonly #socket: ByteSocket;
  readonly #reader: MessageReader;
  readonly #encoder = new TextEncoder();
  /** Absent once it is over. */
  #handshake: Handshake | undefined;
  #isOver = false;
  readonly #acknowledgement = new Acknowledgement(DEFAULT_MAX_DELAY_MS);

  constructor(options: ViewerOptions, listener: ViewerListener) {
    this.#options = options;
    this.#listener = listener;
    const url = new URL(options.url);
    url.searchParams.set("role", "watch");
    const handshake = new Handshake(url, options.isBare, options.pass?.authorization);
    this.#handshake = handshake;
    this.#reader = new MessageReader({
      binary: (head, bytes) => this.#binary(head, bytes),
      text: (text) => listener.text(text),
      ping: (payload) => this.#socket.send(maskedFrame(OPCODE.pong, payload)),
      close: (code, reason) =>
        this.#fail(reason === "" ? `the relay closed the connection with code ${code}` : reason),
    });
    this.#socket = openSocket(url, options.buffer, {
      open: () => this.#socket.send(this.#encoder.encode(handshake.request)),
      bytes: (bytes) => this.#take(bytes),
      end: (why) => this.#fail(why ?? "the relay ended the connection"),
    }, options.pass?.ca);
  }

  /** Whether the handshake is over. */
  get isConnected(): boolean {
    return this.#handshake === undefined;
  }

  /** Sends a control message. */
  send(text: string): void {
    this.#socket.send(maskedFrame(OPCODE.text, this.#encoder.encode(text)));
  }

  /** Acknowledges what has waited for long enough; to be called now and then. */
  acknowledgeDue(nowMs: number): void {
    if (!this.#isOver) this.#acknowledge(this.#acknowledgement.due(nowMs));
  }

  /** Reads nothing until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  /** Reads again. */
  resume(): void {
    this.#socket.resume();
  }

  /** Leaves; nothing more is told. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.isConnected) {
      this.#acknowledge(this.#acknowledgement.flush(this.#options.clock.nowMs()));
      this.#socket.send(maskedFrame(OPCODE.close, GOODBYE));
    }
    this.#socket.close();
  }

  #take(bytes: Uint8Array<ArrayBuffer>): void {
    try {
      const start = this.#handshake === undefined ? 0 : this.#shake(this.#handshake, bytes);
      this.#reader.push(bytes.subarray(start));
    } catch (error) {
      if (error instanceof StreamError) this.#lose(error);
      else if (error instanceof ProtocolError) this.#fail(messageOf(error));
      else throw error;
    }
  }

  /** Returns where the frames behind the handshake begin. */
  #shake(handshake: Handshake, bytes: Uint8Array<ArrayBuffer>): number {
    const taken = handshake.take(bytes);
    if (taken === undefined) return bytes.length;
    this.#handshake = undefined;
    const { isBare, isStalled } = this.#options;
    if (!isBare) {
      const hello = {
        version: VERSION,
        role: "watch",
        fps: null,
        maxDelayMs: DEFAULT_MAX_DELAY_MS,
      } as const;
      this.send(encodeControl({ type: "hello", ...hello }));
    }
    if (isStalled) this.#socket.pause();
    this.#listener.connected();
    // What has come behind the answer is not looked at by one that reads nothing.
    return isStalled ? bytes.length : taken;
  }

  #binary(head: Uint8Array<ArrayBuffer>, bytes: number): void {
    if (this.#options.isBare) {
      this.#listener.frame({ head, bytes, captureUs: null });
      return;
    }
    const { header, data } = decodeFrameMessage(head);
    this.#acknowledge(
      this.#acknowledgement.received(header.sequence, this.#options.clock.nowMs()),
    );
    this.#listener.frame({
      head: data,
      bytes: bytes - (head.length - data.length),
      captureUs: header.captureUs,
    });
  }

  #acknowledge(acknowledged: Acknowledged | undefined): void {
    if (acknowledged !== undefined) this.send(encodeControl({ type: "ack", ...acknowledged }));
  }

  #fail(why: string): void {
    const { url } = this.#options;
    this.#lose(
      this.isConnected
        ? new StreamError("failed", `Cannot stay connected to ${url}: ${why}`)
        : new StreamError("unreachable", `Cannot connect to ${url}: ${why}`),
    );
  }

  #lose(error: StreamError): void {
    if (this.#isOver) return;
    this.close();
    this.#listener.lost(error);
  }
}
