/**
 * Limits and defaults of a relay.
 *
 * @module
 */
import type { FrameRate } from "../core/stream.ts";

/** Limits and defaults of a relay. */
export interface RelayOptions {
  /** Frame rate of a new stream. */
  readonly fps: FrameRate;
  /** Length of a stream's queue in milliseconds of its frame rate. */
  readonly bufferMs: number;
  /** Largest frame in bytes. */
  readonly maxFrameBytes: number;
  /** Bytes for frames in queues and under way, in all. */
  readonly maxMemoryBytes: number;
  /** Most connections that watch or send without a protocol. */
  readonly maxViewers: number;
  /** Most streams. */
  readonly maxStreams: number;
  /** A viewer without a protocol to whom nothing has drained for so many milliseconds is closed. */
  readonly stallTimeoutMs: number;
  /** Origins of other sites whose pages may take part; `*` for all. */
  readonly allowOrigins: readonly string[];
  /** How long a peer that speaks the protocol may take to say hello, in milliseconds. */
  readonly helloTimeoutMs: number;
}
