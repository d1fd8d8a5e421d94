/**
 * What a relay needs of a listener: requests to answer, upgrades to accept or refuse, and sockets.
 *
 * @module
 */
import type { Log } from "../host/log.ts";
import type { Certificate } from "./certificate.ts";
import type { ListenLimits } from "./limits.ts";
import type { Refusals } from "./refusals.ts";
import type { UnfinishedMessages } from "./unfinished.ts";

/** Seconds without a sign of life after which a peer is pinged, and then given up. */
export const IDLE_TIMEOUT_S = 30;

/** How long answers may take to finish when a listener shuts down, in milliseconds. */
export const GOODBYE_MS = 1000;

/** `deno`: Deno's own server; `node`: that of `node:http`, with the WebSockets of `ws`. */
export type ListenerKind = "deno" | "node";

/** Where a relay listens. */
export interface ListenOptions {
  /** Address to listen on. */
  readonly host: string;
  /** Port to listen on; 0 for a free one. */
  readonly port: number;
  /** Whether other threads listen there, too. */
  readonly isShared: boolean;
  /** What is shown to those who connect, by TLS; absent: plain HTTP. */
  readonly certificate?: Certificate | undefined;
  /** Largest frame in bytes; only `node` can refuse a message before it is whole. */
  readonly maxFrameBytes: number;
  /** How long an answer may find no taker until it is given up, in milliseconds; only `node` can. */
  readonly stallTimeoutMs: number;
  /** Bounds messages that are not finished; only `node` knows of them. */
  readonly unfinished: UnfinishedMessages;
  /** What strangers may use of it. */
  readonly limits: ListenLimits;
  /** What all threads that listen there count together; see `gate.ts`. */
  readonly visits: SharedArrayBuffer;
  /** This thread's place in that. */
  readonly own: number;
  /** Where it is counted who is refused. */
  readonly refusals: Refusals;
  /** Where it is told that a request could not be answered. */
  readonly log: Log;
}

/** What listens for requests. */
export interface Listener {
  readonly hostname: string;
  readonly port: number;
  /**
   * Shows another certificate to those who connect from now on; of use only where it has one. On `deno`,
   * those who are connected have to come back.
   */
  renew(certificate: Certificate): void;
  /** Stops listening, and gives answers a moment to finish. */
  shutDown(): Promise<void>;
}

/** A request as it came in. */
export interface Incoming {
  readonly request: Request;
  /** Network address of the client, without a port; empty where it is unknown. */
  readonly address: string;
  /** From now on its body may take as long as it likes: whoever reads it sees to that. */
  readonly takeTime: () => void;
}

/** Answers a request, or accepts its upgrade to a WebSocket; any answer to an upgrade refuses it. */
export type Handler = (incoming: Incoming) => Promise<Response | Upgrade>;

/** An upgrade to a WebSocket that is accepted. */
export interface Upgrade {
  /** The subprotocol that both sides speak, of those that were offered. */
  readonly protocol: string | undefined;
  /** Serves the socket from when it is open. */
  readonly open: (socket: Socket) => SocketEvents;
}

/** One WebSocket. Nothing about it blocks or throws. */
export interface Socket {
  /** Bytes sent that the system has not taken. */
  readonly unsentBytes: number;
  /**
   * Sends a message; nothing once the socket closes. It has copied what it needs when it returns, so
   * that the message may be freed. Sockets that are given the same message after one another may share
   * that copy: nobody changes what a message says.
   */
  send(message: string | Uint8Array<ArrayBuffer>): void;
  /**
   * Reads nothing more from the peer until {@linkcode Socket.resume}, so that the peer has to wait;
   * what has been read already may still come. False where the listener cannot: everything comes.
   */
  pause(): boolean;
  /** Reads on. */
  resume(): void;
  /** Ends the connection with a code and a reason; only the first call counts. */
  close(code: number, reason: string): void;
  /**
   * Ends the connection at once, with what is unsent; false where the listener cannot, and the peer can
   * only be asked to go.
   */
  breakOff(): boolean;
}

/** What comes from a {@linkcode Socket}. */
export interface SocketEvents {
  /** A message, which belongs to whoever takes it. */
  receive(message: string | Uint8Array<ArrayBuffer>): void;
  /** A ping or a pong, which the listener answers or takes itself. */
  pinged(): void;
  /** The connection is gone; nothing comes behind that. */
  closed(): void;
}
