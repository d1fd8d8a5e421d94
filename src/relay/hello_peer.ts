/**
 * A connection that speaks `stream.v1`, until its hello has said what it is for.
 *
 * @module
 */
import type { Asker, Ruling } from "../access/access.ts";
import { messageOf, ProtocolError } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";
import type { PublishHello, WatchHello } from "../wire/control_message.ts";
import { RelaySession } from "../wire/relay_session.ts";
import type { Connection } from "./connection.ts";
import type { Peer, PeerPlace } from "./peer.ts";
import type { SocketChannel } from "./socket_channel.ts";
import type { Streams } from "./streams.ts";
import { ViewerPeer } from "./viewer_peer.ts";

/**
 * Most messages, and most characters in them, that a peer may send before its hello is accepted.
 */
const MAX_WAITING = 16;
const MAX_WAITING_LENGTH = 65_536;

/** The connection, and who is at its other end. */
export interface HelloContext {
  readonly channel: SocketChannel;
  /** Whose peer gives way to a publisher or a viewer. */
  readonly connection: Connection;
  readonly asker: Asker;
}

/**
 * Reads the hello, asks whether it is permitted, and is then replaced by the peer for the hello's
 * role.
 */
export class HelloPeer implements Peer {
  readonly #streams: Streams;
  readonly #place: PeerPlace;
  readonly #context: HelloContext;
  readonly #session: RelaySession;
  readonly #timer: ReturnType<typeof setTimeout>;
  /** What has come while it is decided about the hello. */
  #waiting: string[] | undefined;

  constructor(streams: Streams, place: PeerPlace, context: HelloContext) {
    const { helloTimeoutMs, maxFrameBytes } = streams.options;
    this.#streams = streams;
    this.#place = place;
    this.#context = context;
    this.#session = new RelaySession({ maxFrameBytes });
    this.#timer = setTimeout(() => {
      const what = this.#waiting === undefined ? "hello arrived" : "decision about the hello came";
      this.#fail(new ProtocolError(CLOSE.helloTimeout, `no ${what} within ${helloTimeoutMs} ms`));
    }, helloTimeoutMs);
  }

  receive(message: string | Uint8Array<ArrayBuffer>): void {
    if (this.#waiting !== undefined) return this.#wait(message, this.#waiting);
    const hello = this.#session.receive(message);
    // The session lets nothing else pass.
    if (hello.type !== "hello") return;
    const { asker } = this.#context;
    const { name: stream } = this.#place;
    const question = { ...asker, action: hello.role, stream };
    const ruling = this.#streams.guard.ask(question, "first");
    if (!(ruling instanceof Promise)) return this.#decided(ruling, hello);
    this.#waiting = [];
    ruling.then(
      (ruling) => this.#decided(ruling, hello),
      (error) => this.#fail(new ProtocolError(CLOSE.internalError, messageOf(error))),
    );
  }

  closed(): void {
    clearTimeout(this.#timer);
  }

  #wait(message: string | Uint8Array<ArrayBuffer>, waiting: string[]): void {
    const length = waiting.reduce((sum, { length }) => sum + length, message.length);
    // No frame may come before the welcome, which gives the credit for it.
    if (
      typeof message !== "string" || waiting.length >= MAX_WAITING || length > MAX_WAITING_LENGTH
    ) throw new ProtocolError(CLOSE.protocolError, "the client sent too much before the welcome");
    waiting.push(message);
  }

  #decided({ decision, why, untilMs }: Ruling, hello: PublishHello | WatchHello): void {
    clearTimeout(this.#timer);
    if (decision !== "allowed") {
      this.#streams.refusals.count("access");
      return this.#fail(new ProtocolError(CLOSE.refused, why ?? "this is not permitted"));
    }
    const { channel, connection, asker } = this.#context;
    const { name } = this.#place;
    const questions = [{ ...asker, action: hello.role, stream: name }];
    connection.hold({ guard: this.#streams.guard, questions, untilMs, wallMs: Date.now });
    const session = this.#session;
    connection.serve(() => {
      if (this.#streams.isStopping) {
        throw new ProtocolError(CLOSE.goingAway, "the relay is stopping");
      }
      return hello.role === "publish"
        ? this.#streams.publish(name, { hello, session }, channel)
        : new ViewerPeer(this.#streams, this.#place, { channel, session, hello });
    });
    for (const message of this.#waiting ?? []) connection.take(message);
  }

  #fail(error: ProtocolError): void {
    clearTimeout(this.#timer);
    this.#context.connection.serve(() => {
      throw error;
    });
  }
}
