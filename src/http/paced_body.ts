/**
 * The body of an answer that is sent piece by piece.
 *
 * @module
 */
import { type Outlet, PushedBody } from "../listen/pushed_body.ts";

/**
 * Most bytes that a server that reads the body is given at once: it accepts everything it is given, and so
 * holds hardly more than this.
 */
const WRITE_BYTES = 65_536;

/** Most bytes that an outlet is given at once: nearly every frame in one piece. */
const PUSH_BYTES = 1_048_576;

interface Piece {
  readonly chunks: readonly Uint8Array<ArrayBuffer>[];
  /** What it counts for in {@linkcode PacedBody.unsentBytes}. */
  readonly bytes: number;
}

/** Sends pieces of an answer to the client and never blocks; the caller bounds what is unsent. */
export class PacedBody {
  /** What the answer is made of. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #onOver: () => void;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #outlet: Outlet | undefined;
  #queue: Piece[] = [];
  /** What waits, and the piece that is being written. */
  #unsentBytes = 0;
  #beingWritten: Piece | undefined;
  /** Which chunk of it the server is given next, and how many bytes of that it has been given. */
  #chunk = 0;
  #written = 0;
  #takenBytes = 0;
  #isWanted = false;
  #isLast = false;
  #isOver = false;
  #isBroken = false;

  /**
   * `onOver` is told once when nothing more can be sent, for whatever reason. What was sent may be freed
   * then: what the server may still have of it belongs to the server, or to a connection that is broken off.
   * Not so with `mayPush`, which lets a server take whole pieces that it need not ask for.
   */
  constructor(onOver: () => void, { mayPush = false } = {}) {
    this.#onOver = onOver;
    const source: UnderlyingDefaultSource<Uint8Array<ArrayBuffer>> = {
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: () => this.#over(),
    };
    this.body = mayPush
      ? new PushedBody(source, (outlet) => {
        this.#outlet = outlet;
        if (this.#isOver) this.#isBroken ? outlet.breakOff() : outlet.end();
        return { drained: () => this.#push(), closed: () => this.#over() };
      })
      : new ReadableStream(source, { highWaterMark: 0 });
  }

  /** Bytes sent that the server has not taken, as their sender counts them. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** Whether the server has taken all that was sent, and can take more. */
  get isDrained(): boolean {
    return this.#isWanted;
  }

  /** Bytes that the server has been given in all: it takes more once some of them have left. */
  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** Sends a piece, one chunk or several behind one another, which nobody changes from then on. */
  send(chunks: readonly Uint8Array<ArrayBuffer>[], bytes: number): void {
    if (this.#isOver) return;
    this.#queue.push({ chunks, bytes });
    this.#unsentBytes += bytes;
    this.#goOn();
  }

  /** Ends the answer behind what has been sent. */
  finish(): void {
    this.#isLast = true;
    this.#goOn();
  }

  /** Ends the answer at once, without what waits. */
  end(): void {
    if (this.#isOver) return;
    if (this.#outlet === undefined) this.#controller.close();
    else this.#outlet.end();
    this.#over();
  }

  /** Breaks the connection off, which also ends one that takes nothing. */
  abort(error: Error): void {
    if (this.#isOver) return;
    // A server that has not begun to read, or to be told, finds it there.
    this.#isBroken = true;
    if (this.#outlet === undefined) this.#controller.error(error);
    else this.#outlet.breakOff();
    this.#over();
  }

  #goOn(): void {
    if (!this.#isWanted) return;
    if (this.#outlet === undefined) this.#pull();
    else this.#push();
  }

  /** Gives the server what comes next; it has taken all that it was given before. */
  #pull(): void {
    this.#settle();
    this.#isWanted = this.#beingWritten === undefined;
    if (this.#beingWritten !== undefined) {
      const [part] = this.#parts(WRITE_BYTES, 1);
      // The server takes the end before it has written it.
      const slice = this.#isLast && this.#isAllGiven ? part!.slice() : part!;
      this.#controller.enqueue(slice);
    } else if (this.#isLast) this.end();
  }

  /** The same by the outlet, which is told itself when there is something. */
  #push(): void {
    if (this.#isOver) return;
    this.#settle();
    this.#isWanted = this.#beingWritten === undefined;
    if (this.#beingWritten === undefined) {
      if (this.#isLast) this.end();
      return;
    }
    if (!this.#outlet!.write(this.#parts(PUSH_BYTES, Infinity))) return;
    this.#settle();
    this.#isWanted = this.#beingWritten === undefined && !this.#isLast;
    // The rest, and the end, in another turn.
    if (!this.#isWanted) this.#outlet!.again();
  }

  /** Counts what the server has taken, and takes up the next piece. */
  #settle(): void {
    if (this.#beingWritten?.chunks.length === this.#chunk) {
      this.#unsentBytes -= this.#beingWritten.bytes;
      this.#beingWritten = undefined;
    }
    if (this.#beingWritten !== undefined) return;
    this.#beingWritten = this.#queue.shift();
    this.#chunk = 0;
    this.#written = 0;
  }

  get #isAllGiven(): boolean {
    return this.#queue.length === 0 && this.#beingWritten?.chunks.length === this.#chunk;
  }

  /** What the server is given next of the piece that is being written. */
  #parts(mostBytes: number, mostParts: number): Uint8Array<ArrayBuffer>[] {
    const { chunks } = this.#beingWritten!;
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let leftBytes = mostBytes;
    while (leftBytes > 0 && parts.length < mostParts && this.#chunk < chunks.length) {
      const chunk = chunks[this.#chunk]!;
      const part = this.#written === 0 && chunk.byteLength <= leftBytes
        ? chunk
        : chunk.subarray(this.#written, this.#written + leftBytes);
      parts.push(part);
      leftBytes -= part.byteLength;
      this.#takenBytes += part.byteLength;
      this.#written += part.byteLength;
      if (this.#written < chunk.byteLength) continue;
      this.#chunk++;
      this.#written = 0;
    }
    return parts;
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#queue = [];
    this.#onOver();
  }
}
