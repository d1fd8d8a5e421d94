/**
 * Owns the end of a connection, whatever is spoken over it.
 *
 * @module
 */
import { messageOf, ProtocolError } from "../errors.ts";
import type { Log } from "../host/log.ts";
import type { SocketEvents } from "../listen/listener.ts";
import type { Refusal, Refusals } from "../listen/refusals.ts";
import { CLOSE } from "../wire/close_code.ts";
import { type Message, MessagePace, type MessagePaceOptions } from "./message_pace.ts";
import type { ControlChannel, Peer } from "./peer.ts";
import { Tenure, type TenureOptions } from "./tenure.ts";

/** What is counted of those that are closed, by the code that they are told. */
export const REFUSALS_BY_CODE: ReadonlyMap<number, Refusal> = new Map([
  [CLOSE.tooLarge, "large"],
  [CLOSE.full, "full"],
  [CLOSE.tryAgainLater, "memory"],
]);

/** What a {@linkcode Connection} works with. */
export interface ConnectionContext {
  readonly log: Log;
  /** Where it is counted who is closed. */
  readonly refusals: Refusals;
  /** How what comes is paced. Absent: that is done elsewhere. */
  readonly pace?: Pick<MessagePaceOptions, "socket" | "clock" | "maxMessages" | "crowd">;
}

/** Closes the connection where its peer breaks the rules, or where the relay cannot go on with it. */
export class Connection implements SocketEvents {
  readonly #name: string;
  readonly #channel: ControlChannel;
  readonly #log: Log;
  readonly #refusals: Refusals;
  readonly #pace: MessagePace | undefined;
  #peer: Peer | undefined;
  #tenure: Tenure | undefined;
  #isOver = false;

  /** A connection to the stream `name`. */
  constructor(
    name: string,
    channel: ControlChannel,
    { log, refusals, pace }: ConnectionContext,
  ) {
    this.#name = name;
    this.#channel = channel;
    this.#log = log;
    this.#refusals = refusals;
    this.#pace = pace && new MessagePace({
      ...pace,
      take: (message) => this.take(message),
      onFlood: () => this.#fail(new FloodError(pace.maxMessages)),
    });
  }

  /** Has what comes served by what `open` returns from now on. */
  serve(open: () => Peer): void {
    this.#guard(() => {
      if (!this.#isOver) this.#peer = open();
    });
  }

  /** Ends the connection when what its peer was let in for is not permitted any longer. */
  hold(tenure: Omit<TenureOptions, "onOver">): void {
    if (this.#isOver || tenure.guard.isOpen) return;
    this.#tenure?.end();
    const onOver = (why: string) => this.#fail(new ProtocolError(CLOSE.accessEnded, why));
    this.#tenure = new Tenure({ ...tenure, onOver });
  }

  receive(message: Message): void {
    if (this.#pace?.admit(message) ?? true) this.take(message);
  }

  pinged(): void {
    this.#pace?.countPing();
  }

  /** Serves a message that has been counted. */
  take(message: Message): void {
    // What a peer sends that has been told to go is counted only to have it wait.
    if (!this.#isOver) this.#guard(() => this.#peer?.receive(message));
  }

  closed(): void {
    this.#channel.gone?.();
    // What came before the end is served in its turn all the same.
    if (this.#pace === undefined || this.#isOver) this.#end();
    else this.#pace.finish(() => this.#end());
  }

  #end(): void {
    this.#isOver = true;
    this.#tenure?.end();
    const left = this.#peer;
    this.#peer = undefined;
    left?.closed();
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    const code = error instanceof ProtocolError ? error.closeCode : CLOSE.internalError;
    if (code === CLOSE.internalError) {
      this.#log.error(`Cannot serve a peer of "${this.#name}" any longer: ${messageOf(error)}`);
    }
    const reason = error instanceof FloodError ? "messages" : REFUSALS_BY_CODE.get(code);
    if (reason !== undefined) {
      this.#refusals.add(reason, `closed a peer of "${this.#name}": ${messageOf(error)}`);
    }
    this.#channel.close(code, messageOf(error));
    this.#end();
  }
}

/** A peer sends more than it may. */
class FloodError extends ProtocolError {
  constructor(maxMessages: number) {
    super(
      CLOSE.refused,
      `the client sends more than ${maxMessages} messages a second (--max-messages)`,
    );
  }
}
