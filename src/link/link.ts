/**
 * Links: how frames of a stream come to where its viewers are, when the stream is elsewhere. At the
 * viewers' end it is a {@linkcode Mirror}; at the far end a viewer of the stream stands for them. Threads
 * of one relay are linked this way (`src/shards/`).
 *
 * @module
 */
import type { Frame } from "../core/frame.ts";
import type { ShardNumbers } from "../core/shard_feed.ts";
import type { FrameRate } from "../core/pacing.ts";
import { StreamError } from "../errors.ts";
import type { StreamStatus } from "../wire/control_message.ts";

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

/**
 * A message over a link about the stream `name`. The first says that the stream is open, with the
 * kept frames for viewers that join, or that it is refused. Then come its frames in order, and
 * changes of its state.
 */
export type LinkNews =
  | {
    readonly type: "opened";
    readonly name: string;
    /** Number of the subscription that this answers. */
    readonly subscription: number;
    /** Name of the stream's run; sequences of different runs do not compare. */
    readonly run: string;
    readonly state: StreamState;
    readonly history: readonly KeptFrame[];
    /** Whether what follows continues the history. */
    readonly isWhole: boolean;
  }
  | {
    readonly type: "refused";
    readonly name: string;
    /** Number of the subscription that this answers. */
    readonly subscription: number;
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
  };

/** What goes over a link to where the stream `name` is. */
export type LinkRequest =
  /** Frames are wanted, from the last key frame on; no two subscriptions have the same number. */
  | { readonly type: "subscribe"; readonly name: string; readonly subscription: number }
  /** They are wanted no more; `numbers` are of all viewers that there were. */
  | { readonly type: "unsubscribe"; readonly name: string; readonly numbers: ShardNumbers }
  | {
    /** Frames up to `sequence` (0: no more than before) are with their viewers. */
    readonly type: "passed";
    readonly name: string;
    readonly sequence: number;
    /** Frames a second that the fastest viewer takes, and whether it would take one now. */
    readonly rate: number;
    readonly isReady: boolean;
  };

/** The way to streams that are elsewhere. What comes over it goes to the mirror of its stream. */
export interface Link {
  /** What addresses of such places begin with, as `thread` in `thread:0`. */
  readonly scheme: string;
  /** Asks for frames of a stream, or tells what became of them. */
  tell(request: LinkRequest): void;
}

/**
 * The link to the place at `address`.
 *
 * @throws {StreamError} (`usage`) when none has its scheme
 */
export function linkTo(address: string, links: readonly Link[]): Link {
  const scheme = address.slice(0, address.indexOf(":"));
  const link = links.find((link) => link.scheme === scheme);
  if (link !== undefined) return link;
  const known = links.map((link) => `${link.scheme}:`).join(", ");
  throw new StreamError("usage", `Cannot link to ${address}: the schemes are ${known}`);
}
