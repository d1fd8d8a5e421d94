/**
 * Limits and defaults of a relay.
 *
 * @module
 */
import type { FrameRate } from "../core/pacing.ts";

/** Limits and defaults of a relay. */
export interface RelayOptions {
  /** Frames a second that leave of a new stream, or `"source"`: as they come. @default {30} */
  readonly fps: FrameRate;
  /** Length of a stream's queue in milliseconds of its frame rate. @default {5000} */
  readonly bufferMs: number;
  /** Largest frame in bytes. @default {16777216} */
  readonly maxFrameBytes: number;
  /** Bytes for frames in queues and under way, in all. @default {536870912} */
  readonly maxMemoryBytes: number;
  /** Most connections that watch or send without a protocol. @default {10000} */
  readonly maxViewers: number;
  /** Most streams. @default {100} */
  readonly maxStreams: number;
  /**
   * A viewer without a protocol is closed when nothing has drained for this many milliseconds.
   * @default {10000}
   */
  readonly stallTimeoutMs: number;
  /** Origins of other sites whose pages may take part; `*` for all. @default {[]} */
  readonly allowOrigins: readonly string[];
  /**
   * How long a peer that speaks the protocol may take to say hello, in milliseconds.
   * @default {5000}
   */
  readonly helloTimeoutMs: number;
  /**
   * Names under which the relay is reached, beside addresses, `localhost` and this machine's own name;
   * `*` for any.
   * @default {none; `*` for a relay that does not listen itself}
   */
  readonly hostNames: readonly string[];
  /** Most messages a second that a peer may send. @default {20000} */
  readonly maxMessages: number;
  /** Most bytes of answers that a peer may leave unread. @default {1048576} */
  readonly maxUnreadBytes: number;
  /** Most streams that viewers wait for and nobody publishes to. @default {1000} */
  readonly maxAwaited: number;
  /** Most bytes a second that leave for all viewers; 0 for no limit. @default {0} */
  readonly maxRate: number;
  /** Most bytes a second that leave for one viewer; 0 for no limit. @default {0} */
  readonly maxViewerRate: number;
}

const MIB = 1024 * 1024;

/** What a relay is that nobody has told otherwise. */
export const DEFAULT_OPTIONS: RelayOptions = {
  fps: 30,
  bufferMs: 5000,
  maxFrameBytes: 16 * MIB,
  maxMemoryBytes: 512 * MIB,
  maxViewers: 10_000,
  maxStreams: 100,
  stallTimeoutMs: 10_000,
  allowOrigins: [],
  helloTimeoutMs: 5000,
  hostNames: [],
  maxMessages: 20_000,
  maxUnreadBytes: MIB,
  maxAwaited: 1000,
  maxRate: 0,
  maxViewerRate: 0,
};
