/**
 * What a viewer is told, and tells.
 *
 * @module
 */
import type { FrameKind, StreamConfig } from "../core/frame.ts";
import type { ClientOptions, RestoredEvent } from "./connected.ts";

/** Options of {@linkcode watch}. */
export interface WatchOptions extends ClientOptions {
  /** Most frames a second that the relay should send, `null` for all. @default {null} */
  readonly fps?: number | null;
  /**
   * Longest delay in milliseconds that frames on their way may stand for: the relay skips frames
   * rather than let a slow viewer fall further behind. @default {500}
   */
  readonly maxDelayMs?: number;
  /** Whether to wait for the next publisher when one ends the stream. @default {false} */
  readonly follow?: boolean;
  /**
   * When the relay is told that a frame has been dealt with: when the next one is asked for, or when
   * `confirm` is called. @default {"next"}
   */
  readonly confirm?: "next" | "manual";
  /** Told of what happens to the connection and the stream. @default {undefined} */
  readonly onEvent?: (event: WatchEvent) => void;
}

/** What happens to the connection of a {@linkcode Watcher}, or to its stream. */
export type WatchEvent =
  | {
    /** The connection was lost, or another try to connect has failed. */
    readonly type: "lost";
    /** Why, for people. */
    readonly reason: string;
    /** Time until the next try, in milliseconds. */
    readonly retryMs: number;
  }
  | RestoredEvent
  | {
    /** The publisher has ended the stream; frames that came before may still wait. */
    readonly type: "end";
  };

/** A frame as it was received. */
export interface ReceivedFrame {
  /** The frame's bytes, which belong to whoever receives it. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** Whether it can be decoded by itself. */
  readonly kind: FrameKind;
  /** What one must know to make use of it; the same object as long as nothing changes. */
  readonly config: StreamConfig;
  /** Position in the stream, from 1: a gap stands for frames that did not come. */
  readonly sequence: number;
  /** Number of the publisher's session or configuration that it belongs to, from 1. */
  readonly epoch: number;
  /** Whether it is the first of its epoch: times may begin anew. */
  readonly discontinuity: boolean;
  /** Whether it only brings a new viewer up to the present, and is not shown for its own time. */
  readonly catchUp: boolean;
  /** Whether whoever begins at the key frame before it cannot decode it. */
  readonly leading: boolean;
  /** Whether it carries its decoder's configuration within it. */
  readonly configuration: boolean;
  /** Presentation time in microseconds, `null` where the source has none. */
  readonly ptsUs: number | null;
  /** When it was captured, in microseconds since the Unix epoch on the relay's clock. */
  readonly captureUs: number;
  /** Time from its capture to its arrival here, in milliseconds; `null` before the clocks were compared. */
  readonly latencyMs: number | null;
}

/** Numbers of a {@linkcode Watcher}. */
export interface WatchStats {
  /** Frames handed out. */
  readonly frames: number;
  /** Bytes of the frames handed out. */
  readonly bytes: number;
  /** Frames handed out a second, over the last three seconds. */
  readonly framesPerSecond: number;
  /** Bytes handed out a second, over the last three seconds. */
  readonly bytesPerSecond: number;
  /**
   * From the publisher's capture to here in milliseconds, `null` before it is known: of the frame that
   * the relay told of last, before that of the newest one.
   */
  readonly latencyMs: number | null;
  /** The relay's part of that in milliseconds, `null` before it has said it. */
  readonly relayMs: number | null;
  /** Frames of the stream that did not come. */
  readonly skipped: number;
  /** What is waited for; `null` while frames come. */
  readonly waitsFor: "relay" | "publisher" | "frame" | null;
}
