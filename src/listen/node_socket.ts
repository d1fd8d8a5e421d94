/**
 * A WebSocket of `ws`.
 *
 * @module
 */
import type { Socket as Connection } from "node:net";
import { setImmediate } from "node:timers";
// @ts-types="../../types/ws.d.ts"
import type { ServerSocket } from "ws";
import type { ByteTurns } from "./byte_turns.ts";
import type { Framing } from "./framing.ts";
import type { Inflow, PauseReason } from "./inflow.ts";
import type { Socket, SocketEvents } from "./listener.ts";
import type { Pulse } from "./pulse.ts";
import { ReadParts } from "./read_parts.ts";
import type { Refusals } from "./refusals.ts";
import type { UnfinishedMessages } from "./unfinished.ts";

const OPEN = 1;
/** How a connection ended that ended without a word of the peer (RFC 6455 section 7.4.1). */
const NO_CLOSE_FRAME = 1006;
/** "Try again later" (RFC 6455 section 7.4.1, as registered with the IANA). */
const TRY_AGAIN_LATER = 1013;
/** Most bytes that are read from a connection at once. */
const MAX_READ_BYTES = 65_536;
/** Most bytes of a close frame: what may be unsent when a peer that has said goodbye counts as gone. */
const CLOSE_FRAME_BYTES = 127;
/** How often a peer that is made to wait is asked for a sign of life, in milliseconds. */
const PROBE_MS = 1000;
/** Pings are answered, and sent, as long as no more than this is unsent. */
const MAX_PONG_BACKLOG_BYTES = 65_536;

/** Bytes of a peer that is told to go which are read so that it hears of it, and then no more. */
const MAX_DISCARDED_BYTES = 1_048_576;
/** What a part of a message costs beside its bytes that is read by itself: measured, rounded up. */
const PART_COST_BYTES = 640;
/** As how many bytes a message counts in a turn of the event loop, which have it take a few milliseconds. */
const MESSAGE_TURN_BYTES = 8192;
/** Errors of `ws` about messages that have too many bytes or too many parts. */
const TOO_LARGE: ReadonlySet<string> = new Set([
  "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
  "WS_ERR_TOO_MANY_BUFFERED_PARTS",
]);

/** Of all sockets: each text is decoded as a whole. */
const decoder = new TextDecoder();

/** A socket, and what is below it. */
export interface Wire {
  readonly socket: ServerSocket;
  readonly connection: Connection;
  readonly inflow: Inflow;
}

/** What the sockets of a listener share. */
export interface SocketContext {
  readonly framing: Framing;
  readonly pulse: Pulse;
  readonly unfinished: UnfinishedMessages;
  /** Divides what is read among turns. */
  readonly reading: ByteTurns;
  /** Where it is counted who is refused. */
  readonly refusals: Refusals;
  /** How long a peer may take to answer its close until it is broken off, in milliseconds. */
  readonly closeTimeoutMs: number;
}

/** Sends to a peer and never blocks or fails. */
export class NodeSocket implements Socket {
  readonly #socket: ServerSocket;
  readonly #connection: Connection;
  readonly #framing: Framing;
  readonly #inflow: Inflow;
  #closedMs = Infinity;
  #probedMs = -Infinity;

  constructor({ socket, connection, inflow }: Wire, framing: Framing) {
    this.#socket = socket;
    this.#connection = connection;
    this.#framing = framing;
    this.#inflow = inflow;
  }

  get unsentBytes(): number {
    return this.#connection.writableLength;
  }

  /** When the relay ended the connection, in milliseconds; `Infinity` where it has not. */
  get closedMs(): number {
    return this.#closedMs;
  }

  send(message: string | Uint8Array<ArrayBuffer>): void {
    if (this.#socket.readyState !== OPEN) return;
    if (typeof message === "string") return this.#socket.send(message);
    // Past `ws`, which writes whole frames at once, and so never has half of one before this.
    const framed = this.#framing.frame(message);
    if (framed.written !== undefined) framed.hold();
    this.#connection.write(framed.bytes, framed.written);
  }

  pause(): boolean {
    this.#pause("reader");
    this.#probe();
    return true;
  }

  /** Finds out whether a peer has gone, whose goodbye may stand behind megabytes that are not read. */
  #probe(): void {
    const nowMs = performance.now();
    if (nowMs - this.#probedMs < PROBE_MS || this.unsentBytes > MAX_PONG_BACKLOG_BYTES) return;
    this.#probedMs = nowMs;
    this.ping();
  }

  ping(): void {
    if (this.#socket.readyState === OPEN) this.#socket.ping();
  }

  resume(): void {
    this.#resume("reader");
  }

  /** Reads nothing more until it is its turn. */
  async waitFor(turn: Promise<void>): Promise<void> {
    this.#pause("turn");
    await turn;
    this.#resume("turn");
  }

  /** Reads nothing more, whatever others say. */
  stopReading(): void {
    this.#pause("over");
  }

  #pause(reason: PauseReason): void {
    this.#inflow.pause(reason);
    this.#socket.pause();
  }

  #resume(reason: PauseReason): void {
    if (this.#inflow.resume(reason)) this.#socket.resume();
  }

  breakOff(): boolean {
    this.#socket.terminate();
    return true;
  }

  /** Ends the connection as soon as its close frame has left, and reads nothing more until then. */
  giveUp(reason: string): void {
    this.stopReading();
    this.close(TRY_AGAIN_LATER, reason);
    if (this.unsentBytes > CLOSE_FRAME_BYTES) this.#socket.terminate();
    else this.#connection.destroySoon();
  }

  close(code: number, reason: string): void {
    if (this.#socket.readyState !== OPEN) return;
    this.#closedMs = performance.now();
    this.#socket.close(code, reason);
  }
}

/** Serves a socket that is open. */
export function serveSocket(
  wire: Wire,
  { framing, pulse, unfinished, reading, refusals, closeTimeoutMs }: SocketContext,
  open: (socket: Socket) => SocketEvents,
): void {
  const { socket, connection, inflow } = wire;
  /** Bytes that had come when `ws` began to throw away what comes: the peer has broken the rules. */
  let discardedFrom = Infinity;
  const read = new ReadParts();
  // What went wrong is told to the peer by the close that follows.
  socket.on("error", ({ code }) => {
    discardedFrom = connection.bytesRead;
    unfinished.set(own, 0);
    read.free();
    if (TOO_LARGE.has(code ?? "")) {
      refusals.add("large", "closed a client that sent a message larger than --max-frame");
    }
  });
  inflow.tell({
    piece: (bytes, messages) => {
      const turn = reading.take(bytes + MESSAGE_TURN_BYTES * messages);
      if (turn !== undefined) own.waitFor(turn);
    },
    through: (bytes) => {
      read.add(bytes);
      // Nobody reads what comes behind an error.
      if (discardedFrom !== Infinity) read.free();
    },
  });
  const own = new NodeSocket(wire, framing);
  const life = {
    heardBytes: () => connection.bytesRead,
    ping: () => own.ping(),
    end: () => socket.terminate(),
  };
  pulse.add(life);
  const events = open(own);
  let isOver = false;
  const over = () => {
    if (isOver) return;
    isOver = true;
    pulse.delete(life);
    events.closed();
  };
  /** Bytes that had come when the last message was whole, and reads since then. */
  let wholeBytes = connection.bytesRead;
  let parts = 0;
  socket.on("message", (data, isBinary) => {
    inflow.count();
    wholeBytes = connection.bytesRead;
    parts = 0;
    // From here on, it counts where it goes.
    unfinished.set(own, 0);
    const message = isBinary ? ownBytes(data) : decoder.decode(data);
    // All but what it ended in, which is added behind this.
    read.free();
    if (!isOver) events.receive(message);
  });
  let unanswered: Uint8Array | undefined;
  const answer = () => {
    if (socket.readyState === OPEN && own.unsentBytes < MAX_PONG_BACKLOG_BYTES) {
      socket.pong(unanswered!);
    }
    unanswered = undefined;
  };
  socket.on("ping", (data) => {
    inflow.count();
    read.leave();
    if (isOver) return;
    events.pinged();
    // Of those that are read at once, only the last must be answered (RFC 6455 section 5.5.3).
    if (unanswered === undefined) setImmediate(answer);
    unanswered = new Uint8Array(data);
  });
  socket.on("pong", () => {
    inflow.count();
    read.leave();
    if (!isOver) events.pinged();
  });
  // A peer that has said goodbye is gone as soon as nothing is held for it: `ws` says so only when the
  // connection ends as well, which the peer may take its time for.
  connection.on("data", () => {
    const { bytesRead } = connection;
    if (discardedFrom === Infinity) {
      unfinished.set(own, bytesRead - wholeBytes + PART_COST_BYTES * ++parts);
    } else if (bytesRead - discardedFrom > MAX_DISCARDED_BYTES) {
      own.stopReading();
    }
    if (own.closedMs !== Infinity || socket.readyState === OPEN) return;
    if (connection.writableLength <= CLOSE_FRAME_BYTES) over();
  });
  connection.on("finish", over);
  socket.on("close", (code) => {
    unfinished.set(own, 0);
    read.free();
    over();
    // A little less: the timer of `ws` may have been a bit early.
    const hasWaited = performance.now() - own.closedMs >= 0.9 * closeTimeoutMs;
    if (code === NO_CLOSE_FRAME && hasWaited) {
      refusals.add(
        "unanswered",
        "broke a client off that did not answer the end of its connection",
      );
    }
  });
}

/**
 * A message that belongs to whoever takes it. Small ones of `ws` may be parts of what was read, and all
 * empty ones share a buffer; large ones were put together in a buffer of their own.
 */
function ownBytes(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = data;
  return byteLength > MAX_READ_BYTES && byteLength === buffer.byteLength
    ? new Uint8Array(buffer as ArrayBuffer)
    : new Uint8Array(data);
}
