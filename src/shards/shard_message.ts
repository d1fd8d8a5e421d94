/**
 * What the thread that has the streams and the threads that send to viewers say to each other. Bytes
 * are handed over, not shared: who sends a message has lost them.
 *
 * @module
 */
import type { AccessQuestion, Ruling } from "../access/access.ts";
import type { Occasion } from "../access/guard.ts";
import type { ShardNumbers } from "../core/shard_feed.ts";
import type { LogFields } from "../host/log.ts";
import type { Asked } from "../http/route.ts";
import type { LinkNews, LinkRequest } from "../link/link.ts";
import type { PlacedViewer } from "../link/mirror.ts";
import type { Certificate } from "../listen/certificate.ts";
import type { ListenLimits } from "../listen/limits.ts";
import type { ListenerKind } from "../listen/listener.ts";
import type { RelayOptions } from "../relay/options.ts";
import type { PublishHello } from "../wire/control_message.ts";

/** What all threads begin with. */
export interface SharedStart {
  readonly host: string;
  readonly port: number;
  /** What listens there. */
  readonly listener: ListenerKind;
  /** What strangers may use of it, in all threads together. */
  readonly limits: ListenLimits;
  /** What is shown to those who connect, by TLS. */
  readonly certificate?: Certificate | undefined;
  /**
   * What all threads count together, each at its own place; the thread that has the streams has one,
   * too. See `memory.ts`.
   */
  readonly counts: SharedArrayBuffer;
  /** Where all threads count who comes; see `gate.ts`. */
  readonly visits: SharedArrayBuffer;
  /** Where all threads count who is refused; see `refusals.ts`. */
  readonly refused: SharedArrayBuffer;
  /** Whether threads, and those that they start, get no rights but those that they need. */
  readonly isolatesThreads: boolean;
}

/** How a thread begins. */
export interface ShardStart extends SharedStart {
  readonly options: RelayOptions;
  readonly threads: number;
  /** The thread's own place among them. */
  readonly own: number;
  /** Whether everybody may do everything. */
  readonly isOpen: boolean;
  /** Whether nobody may do anything without a token. */
  readonly needsToken: boolean;
  /** `performance.timeOrigin` of the thread that has the streams: the zero of its clock. */
  readonly originMs: number;
}

/** What only the thread that has the streams can answer: a request without its connection. */
export interface PlainQuestion extends Pick<Asked, "base" | "asker" | "ids" | "name" | "id"> {
  /** Number of the route that the request is for. */
  readonly route: number;
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

/** To a thread that sends to viewers. */
export type ToShard =
  | { readonly type: "start"; readonly start: ShardStart }
  | LinkNews
  | { readonly type: "control"; readonly peer: number; readonly text: string }
  | {
    readonly type: "close";
    readonly peer: number;
    readonly code: number;
    readonly reason: string;
  }
  | { readonly type: "answer"; readonly id: number; readonly response: PlainResponse | string }
  | { readonly type: "ruled"; readonly id: number; readonly ruling: Ruling | string }
  /** Who is there has to be asked about again. */
  | { readonly type: "access" }
  | { readonly type: "count"; readonly id: number }
  | {
    readonly type: "list";
    readonly id: number;
    readonly name: string;
    readonly limit: number;
  }
  | {
    /** Ends a viewer. */
    readonly type: "end";
    readonly id: number;
    readonly name: string;
    readonly viewer: number;
    readonly reason: string;
  }
  | { readonly type: "renew"; readonly certificate: Certificate }
  | { readonly type: "refuse" }
  | { readonly type: "stop" };

/** From a thread that sends to viewers. */
export type FromShard =
  | { readonly type: "listening" }
  | { readonly type: "failed"; readonly message: string }
  | LinkRequest
  | {
    /**
     * A client starts to publish. `hello` is its first message, or `bare` for a client without a
     * protocol.
     */
    readonly type: "publish";
    readonly peer: number;
    readonly name: string;
    readonly hello: PublishHello | "bare";
  }
  | {
    readonly type: "message";
    readonly peer: number;
    readonly data: string | Uint8Array<ArrayBuffer>;
  }
  | { readonly type: "gone"; readonly peer: number }
  | { readonly type: "ask"; readonly id: number; readonly question: PlainQuestion }
  | {
    /** Asks whether somebody may do something. */
    readonly type: "rule";
    readonly id: number;
    readonly question: AccessQuestion;
    readonly occasion: Occasion;
  }
  | {
    readonly type: "counted";
    readonly id: number;
    readonly streams: readonly (readonly [name: string, numbers: ShardNumbers])[];
  }
  | { readonly type: "listed"; readonly id: number; readonly viewers: readonly PlacedViewer[] }
  /** Whether the viewer was there, and has been ended. */
  | { readonly type: "endedViewer"; readonly id: number; readonly isEnded: boolean }
  | {
    readonly type: "log";
    readonly level: "info" | "warn" | "error";
    readonly message: string;
    readonly fields: LogFields;
  }
  | { readonly type: "stopped" };
