/**
 * What a publisher is told, and tells.
 *
 * @module
 */
import type { FrameKind, StreamConfig } from "../core/frame.ts";
import type { StreamFormat } from "../core/stream_format.ts";
import type { ClientOptions, RestoredEvent } from "./connected.ts";

/** Options of {@linkcode publish}. */
export interface PublishOptions extends ClientOptions {
  /** What the bytes of a frame are. Without it, the first frame must come with its own `config`. */
  readonly format?: StreamFormat;
  /** What else is known of all frames: size in pixels, codec, pixel format. @default {{}} */
  readonly config?: Partial<Omit<StreamConfig, "format">>;
  /** Whether to take the stream from a publisher that is there. @default {false} */
  readonly takeover?: boolean;
  /**
   * What `send` does while the relay takes no more: wait, which loses nothing, or drop the older
   * frames, so that the newest wins. @default {"wait"}
   */
  readonly onFull?: "wait" | "drop";
  /**
   * Whether the source is live, so that its frames leave the relay as they come; `null` where the
   * relay is to find out. @default {null}
   */
  readonly live?: boolean | null;
  /**
   * How long a relay that is gone is waited for once `end` was called, in milliseconds.
   * @default {60000}
   */
  readonly giveUpMs?: number;
  /**
   * Whether what the relay has is kept here, too, up to 64 MiB from the newest key frame on, so that
   * viewers go on at once where the relay is started again. @default {true}
   */
  readonly outlivesRelay?: boolean;
  /** Told of what happens to the connection. @default {undefined} */
  readonly onEvent?: (event: PublishEvent) => void;
}

/** What happens to the connection of a {@linkcode Publisher}. */
export type PublishEvent =
  | {
    /** The connection was lost, or another try to connect has failed. */
    readonly type: "lost";
    /** Why, for people. */
    readonly reason: string;
    /** Time until the next try, in milliseconds. */
    readonly retryMs: number;
    /** For how long there has been no connection, in milliseconds; 0 when it has just been lost. */
    readonly goneMs: number;
    /** Frames that wait for the relay. */
    readonly notDelivered: number;
  }
  | RestoredEvent;

/** Options of {@linkcode Publisher.send}. */
export interface SendOptions {
  /**
   * Whether the frame can be decoded by itself. It must be given where frames may depend on others.
   * @default {"key" where all frames of the format stand alone}
   */
  readonly kind?: FrameKind;
  /** Presentation time in microseconds, `null` for none. @default {null} */
  readonly ptsUs?: number | null;
  /** When it was captured, in microseconds since the Unix epoch. @default {now} */
  readonly captureUs?: number;
  /**
   * What viewers must know to make use of this frame and those behind it. A new object begins a new
   * configuration, also one that says the same. @default {that of the frame before}
   */
  readonly config?: StreamConfig;
  /** Whether the frame carries its decoder's configuration within it. @default {false} */
  readonly configuration?: boolean;
  /** Whether whoever begins at the key frame before it cannot decode it. @default {false} */
  readonly leading?: boolean;
  /** Whether it is only decoded and not shown, as what a film begins behind. @default {false} */
  readonly catchUp?: boolean;
  /**
   * Hands over the whole buffer of the frame, also what is in front of the frame in it: nobody else
   * may read or write it from then on, and no byte is copied. @default {false}
   */
  readonly transfer?: boolean;
}

/** Numbers of a {@linkcode Publisher}. */
export interface PublishStats {
  /** Frames sent. */
  readonly frames: number;
  /** Bytes of the frames sent. */
  readonly bytes: number;
  /** Frames sent a second, over the last three seconds. */
  readonly framesPerSecond: number;
  /** Bytes sent a second, over the last three seconds. */
  readonly bytesPerSecond: number;
  /** Frames that wait here and in the relay's queue. */
  readonly queue: number;
  /** Frames dropped here. */
  readonly dropped: number;
  /** Frames that viewers should have got from the relay and did not, for whatever reason. */
  readonly undelivered: number;
  /** Frames that the relay has not confirmed; 0 once it has confirmed the end. */
  readonly notDelivered: number;
  /** For how long there has been no connection to the relay, in milliseconds; 0 while there is one. */
  readonly goneMs: number;
  /** Whether the relay takes the source for a live one; `null` before it has said so. */
  readonly live: boolean | null;
}
