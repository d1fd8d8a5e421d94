/**
 * The streams of a relay as connections see them, in whichever thread they have come to.
 *
 * @module
 */
import type { Guard } from "../access/guard.ts";
import type { Outflow } from "../core/outflow.ts";
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import type { PublishHello } from "../wire/control_message.ts";
import type { RelaySession } from "../wire/relay_session.ts";
import type { ByteTurns } from "../listen/byte_turns.ts";
import type { Refusals } from "../listen/refusals.ts";
import type { UnfinishedMessages } from "../listen/unfinished.ts";
import type { Memory } from "./memory.ts";
import type { MessageCrowd } from "./message_crowd.ts";
import type { RelayOptions } from "./options.ts";
import type { ControlChannel, Peer } from "./peer.ts";
import type { WatchedStream } from "./viewer.ts";

/** What peers and requests need of a relay. */
export interface Streams {
  readonly options: RelayOptions;
  readonly clock: Clock;
  readonly log: Log;
  /** Who may do what. */
  readonly guard: Guard;
  readonly memory: Memory;
  /** Bounds what has begun to come to this thread and is no whole frame yet. */
  readonly unfinished: UnfinishedMessages;
  /** Divides the bodies that are posted to this thread among turns of the event loop. */
  readonly bodyTurns: ByteTurns;
  /** How many messages all peers of this thread send. */
  readonly crowd: MessageCrowd;
  /** How many bytes a second may leave. */
  readonly outflow: Outflow;
  /** Where it is counted who is refused. */
  readonly refusals: Refusals;
  /** Whether the relay is about to stop. */
  readonly isStopping: boolean;
  /**
   * Counts a viewer in, and returns the stream of that name; the viewer is counted out with
   * {@linkcode Memory.release}.
   *
   * @throws {ProtocolError} when there are as many viewers or streams as may be
   */
  watch(name: string): WatchedStream;
  /**
   * Lets somebody send frames to the stream of that name. What is wrong with what comes may be told
   * by `channel` instead of thrown.
   *
   * @throws {ProtocolError} when the stream cannot be had
   */
  publish(name: string, as: PublisherKind, channel: ControlChannel): Peer;
}

/** How somebody sends frames: with the protocol, of which the hello has been read, or without. */
export type PublisherKind = ReadHello | "bare";

/** A publisher's hello, and the session that has read it. */
export interface ReadHello {
  readonly hello: PublishHello;
  readonly session: RelaySession;
}
