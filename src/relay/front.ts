/**
 * What serves connections and requests, in whichever thread they have come to.
 *
 * @module
 */
import type { Budget } from "../core/budget.ts";
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import type { HubOptions } from "./hub.ts";
import type { Peer, PeerPlace, SenderKind, SenderPort } from "./peer.ts";
import type { StreamPictures } from "../http/stream_pictures.ts";
import type { Audience } from "./viewer.ts";

/** The side of a relay that connections see. */
export interface Front {
  readonly options: HubOptions;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether the relay is about to stop. */
  readonly isStopping: boolean;
  /** What is under way to all viewers together. */
  readonly underWay: Budget;
  /** Most bytes under way to one viewer. */
  readonly maxViewerBytes: number;
  /**
   * Counts a viewer in, and returns the stream of that name.
   *
   * @throws {ProtocolError} when there are as many viewers or streams as may be
   */
  admitViewer(name: string): Audience;
  /**
   * Counts somebody in who only sends, without a protocol.
   *
   * @throws {ProtocolError} when there are as many as may be
   */
  admitSender(): void;
  /** Counts out who was counted in. */
  release(): void;
  /** Pictures of a stream's frames. */
  picturesOf(audience: Audience): StreamPictures;
  /**
   * Connects somebody who sends frames. What is wrong with what comes may be told by `port` instead
   * of thrown.
   *
   * @throws {ProtocolError} when the stream cannot be had
   */
  openSender(kind: SenderKind, place: PeerPlace, port: SenderPort): Peer;
  /** Answers a request that is neither a WebSocket's nor for the frames of motion JPEG. */
  answer(request: Request): Promise<Response>;
}
