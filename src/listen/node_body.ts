/**
 * Bodies of requests and answers of `node:http`.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket as Connection } from "node:net";
import type { Writable } from "node:stream";
import { ProtocolError } from "../errors.ts";
import type { ByteTurns } from "./byte_turns.ts";
import type { Inflow } from "./inflow.ts";
import { endSoon } from "./node_gate.ts";

/** Most of a request's bytes must be those of its body, once so many have come: one of four. */
const MIN_JUDGED_BYTES = 10_240;
const MIN_SHARE = 4;

/** Bytes of a request that are thrown away so that its answer is read, and then no more. */
const MAX_DISCARDED_BYTES = 1_048_576;

/** Most bytes that are written at once. */
const WRITE_BYTES = 65_536;

/**
 * The body of a request, which comes as fast as it is read; `onRead` is called with
 * what was read of it.
 */
export function bodyOf(
  incoming: IncomingMessage,
  onRead: (bytes: number) => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let isOver = false;
  let isWanted = false;
  return new ReadableStream({
    start: (controller) => {
      incoming.on("readable", () => {
        if (isWanted) give(controller);
      });
      const end = (how: () => void) => {
        if (isOver) return;
        isOver = true;
        how();
      };
      incoming.on("end", () => end(() => controller.close()));
      incoming.on("close", () => end(() => controller.error(new Error("the client has gone"))));
    },
    pull: (controller) => {
      isWanted = true;
      give(controller);
    },
    cancel: () => void (isOver = true),
  }, { highWaterMark: 0 });

  /** All that has come, however small the parts are in which it came. */
  function give(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): void {
    const bytes = incoming.read() as Uint8Array<ArrayBuffer> | null;
    if (bytes === null || isOver) return;
    isWanted = false;
    controller.enqueue(bytes);
    onRead(bytes.byteLength);
  }
}

/** Whom a body's pace is told. */
export interface BodyEvents {
  /** Something was read. */
  read(): void;
  /** So many bytes have come, of it or, with so many requests, behind it. */
  came(bytes: number, requests: number, isBody: boolean): void;
  /** It comes in chunks that are nearly nothing: each takes a hundred times its bytes. */
  crumbs(): void;
}

/** Lets no more of a body through than is read; returns what is to be called when it was. */
export function paceBody(
  incoming: IncomingMessage,
  inflow: Inflow,
  events: BodyEvents,
): (readBytes: number) => void {
  let sentBytes = 0;
  let bodyBytes = 0;
  inflow.tell({
    read: () => events.read(),
    piece: (bytes, requests) => {
      events.came(bytes, requests, !incoming.complete);
      if (incoming.complete) return;
      sentBytes += bytes;
      const cameBytes = bodyBytes + incoming.readableLength;
      if (sentBytes >= MIN_JUDGED_BYTES && cameBytes * MIN_SHARE < sentBytes) {
        return events.crumbs();
      }
      if (incoming.readableLength > 0) inflow.pause("body");
    },
    through: () => {},
  });
  return (readBytes) => {
    bodyBytes += readBytes;
    // Behind a whole one, it is the next one that comes too fast.
    if (!incoming.complete && inflow.resume("body")) incoming.socket.resume();
  };
}

/**
 * Calls `onLate` where the body of a request is not whole in time; returns what is to be called where it
 * may take longer.
 */
export function timeBody(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { timeoutMs, onLate }: { readonly timeoutMs: number; readonly onLate: () => void },
): () => void {
  const { "content-length": length = "0", "transfer-encoding": coding } = incoming.headers;
  if (coding === undefined && Number(length) === 0) return () => {};
  const timer = setTimeout(() => {
    if (!incoming.complete && !outgoing.headersSent) onLate();
  }, timeoutMs);
  const stop = () => clearTimeout(timer);
  incoming.on("end", stop);
  outgoing.on("close", stop);
  return stop;
}

/**
 * Has a connection end behind its answer although not all of the request has come: it is closed for
 * writing only, and for a moment what still comes is thrown away. Else the system would break it off, and
 * take the answer from whoever has not read it.
 */
export function endBehindAnswer(incoming: IncomingMessage, inflow: Inflow): void {
  const connection = incoming.socket;
  let leftBytes = MAX_DISCARDED_BYTES;
  connection.destroySoon = () => {
    connection.end();
    endSoon(connection as unknown as Connection);
    inflow.tell({
      piece: (bytes) => {
        leftBytes -= bytes;
        if (leftBytes < 0) inflow.pause("over");
      },
      through: () => {},
    });
    passOver(incoming);
    if (inflow.resume("over")) connection.resume();
  };
}

/** Passes over what nobody has read of a request's body, so that the connection can be used again. */
export function passOver(incoming: IncomingMessage): void {
  if (incoming.readableEnded) return;
  incoming.removeAllListeners("readable");
  incoming.resume();
}

/** Writes a body as fast as it is taken; breaks the connection off, and says `false`, if it fails. */
export async function writeBody(
  body: ReadableStream<Uint8Array>,
  to: Writable,
  turns: ByteTurns,
): Promise<boolean> {
  const reader = body.getReader();
  let wake = () => {};
  let isGone = false;
  to.on("drain", () => wake());
  to.on("close", () => {
    isGone = true;
    wake();
    reader.cancel().catch(() => {});
  });
  // Also where nothing is read of it because nothing is taken.
  reader.closed.catch((error) => breakOff(to, error));
  // Whoever has gone by now is not told of again.
  if (to.destroyed) {
    await reader.cancel();
    return false;
  }
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (isGone) return false;
      if (done) return true;
      // In pieces, so that whoever reads slowly is seen to read.
      for (let at = 0; at < value.byteLength; at += WRITE_BYTES) {
        const part = value.subarray(at, at + WRITE_BYTES);
        const turn = turns.take(part.byteLength);
        if (turn !== undefined) await turn;
        if (isGone) return false;
        const isFull = !to.write(part);
        if (isFull) await new Promise<void>((resolve) => wake = resolve);
        if (isGone) return false;
      }
    }
  } catch (error) {
    breakOff(to, error);
    return false;
  }
}

/** Ends an answer that the relay broke off itself, or could not read what it is made of. */
function breakOff(to: Writable, error: unknown): void {
  to.destroy(error instanceof ProtocolError ? undefined : error as Error);
}
