/**
 * What the thread that has the streams and the threads that send to viewers say to each other. Bytes
 * are handed over, not shared: who sends a message has lost them.
 *
 * @module
 */
import type { Frame } from "../core/frame.ts";
import type { ShardNumbers } from "../core/shard_feed.ts";
import type { FrameRate } from "../core/stream.ts";
import type { LogFields } from "../host/log.ts";
import type { StreamStatus, ViewerStatus } from "../wire/control_message.ts";
import type { HubOptions } from "../relay/hub.ts";
import type { PeerPlace, SenderKind } from "../relay/peer.ts";

/** What viewers are told of a stream when they come. */
export interface StreamState {
  readonly fps: FrameRate;
  readonly isPublishing: boolean;
}

/** A frame that was kept, and when it left the queue. */
export interface KeptFrame {
  readonly frame: Frame;
  readonly leftMs: number;
}

/** How a thread begins. */
export interface ShardStart {
  readonly options: HubOptions;
  readonly host: string;
  readonly port: number;
  /** What all threads count together; see `shares.ts`. */
  readonly shares: SharedArrayBuffer;
  readonly threads: number;
  /** The thread's own place in that. */
  readonly own: number;
  /** `performance.timeOrigin` of the thread that has the streams: the zero of its clock. */
  readonly originMs: number;
}

/** A request without its connection. */
export interface PlainRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: [string, string][];
  readonly body: Uint8Array<ArrayBuffer> | null;
}

/** An answer, whole. */
export interface PlainResponse {
  readonly status: number;
  readonly headers: [string, string][];
  readonly body: Uint8Array<ArrayBuffer> | null;
}

/** One viewer in a list that several threads have a part of. */
export interface ListedViewer {
  /** When it came, on the clock of all threads, in milliseconds. */
  readonly cameMs: number;
  readonly numbers: ViewerStatus;
}

/** To a thread that sends to viewers. */
export type ToShard =
  | { readonly type: "start"; readonly start: ShardStart }
  | {
    readonly type: "opened";
    readonly name: string;
    readonly run: string;
    readonly state: StreamState;
    readonly history: readonly KeptFrame[];
    readonly isWhole: boolean;
  }
  | {
    readonly type: "refused";
    readonly name: string;
    readonly code: number;
    readonly reason: string;
  }
  | { readonly type: "state"; readonly name: string; readonly state: StreamState }
  | { readonly type: "frame"; readonly name: string; readonly frame: Frame }
  /** So many frames do not come. */
  | { readonly type: "missed"; readonly name: string; readonly frames: number }
  | { readonly type: "ended"; readonly name: string }
  | { readonly type: "report"; readonly name: string; readonly status: StreamStatus }
  | {
    readonly type: "dismiss";
    readonly name: string;
    readonly code: number;
    readonly reason: string;
  }
  | { readonly type: "control"; readonly peer: number; readonly text: string }
  | {
    readonly type: "close";
    readonly peer: number;
    readonly code: number;
    readonly reason: string;
  }
  | { readonly type: "answer"; readonly id: number; readonly response: PlainResponse | string }
  | { readonly type: "count"; readonly id: number }
  | {
    readonly type: "list";
    readonly id: number;
    readonly name: string;
    readonly limit: number;
  }
  | { readonly type: "refuse" }
  | { readonly type: "stop" };

/** From a thread that sends to viewers. */
export type FromShard =
  | { readonly type: "listening" }
  | { readonly type: "failed"; readonly message: string }
  | { readonly type: "subscribe"; readonly name: string }
  | { readonly type: "unsubscribe"; readonly name: string; readonly numbers: ShardNumbers }
  | {
    /** Frames up to `sequence` (0: no more than before) are with their viewers. */
    readonly type: "passed";
    readonly name: string;
    readonly sequence: number;
    readonly rate: number;
    readonly isReady: boolean;
  }
  | {
    readonly type: "open";
    readonly peer: number;
    readonly kind: SenderKind;
    readonly place: PeerPlace;
  }
  | {
    readonly type: "message";
    readonly peer: number;
    readonly data: string | Uint8Array<ArrayBuffer>;
  }
  | { readonly type: "gone"; readonly peer: number }
  | { readonly type: "ask"; readonly id: number; readonly request: PlainRequest }
  | {
    readonly type: "counted";
    readonly id: number;
    readonly streams: readonly (readonly [name: string, numbers: ShardNumbers])[];
  }
  | { readonly type: "listed"; readonly id: number; readonly viewers: readonly ListedViewer[] }
  | {
    readonly type: "log";
    readonly level: "info" | "warn" | "error";
    readonly message: string;
    readonly fields: LogFields;
  }
  | { readonly type: "stopped" };
