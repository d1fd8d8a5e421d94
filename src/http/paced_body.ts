/**
 * The body of an answer that is sent piece by piece.
 *
 * @module
 */

/**
 * Most bytes that the server is given at once: it accepts everything it is given, and so holds
 * hardly more than this.
 */
const WRITE_BYTES = 65_536;

interface Piece {
  readonly chunk: Uint8Array<ArrayBuffer>;
  /** What it counts for in {@linkcode PacedBody.unsentBytes}. */
  readonly bytes: number;
}

/** Sends pieces of an answer to the client and never blocks; the caller bounds what is unsent. */
export class PacedBody {
  /** What the answer is made of. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #onOver: () => void;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #queue: Piece[] = [];
  /** What waits, and the piece that is being written. */
  #unsentBytes = 0;
  #beingWritten: Piece | undefined;
  /** Bytes of it that the server has been given. */
  #written = 0;
  #takenBytes = 0;
  #isWanted = false;
  #isLast = false;
  #isOver = false;

  /**
   * `onOver` is told once when nothing more can be sent, for whatever reason. What was sent may be freed
   * then: what the server may still have of it belongs to the server, or to a connection that is broken off.
   */
  constructor(onOver: () => void) {
    this.#onOver = onOver;
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: () => this.#over(),
    }, { highWaterMark: 0 });
  }

  /** Bytes sent that the server has not taken, as their sender counts them. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** Bytes that the server has been given in all: it takes more once some of them have left. */
  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** Sends a piece, which nobody changes from then on. */
  send(chunk: Uint8Array<ArrayBuffer>, bytes: number): void {
    if (this.#isOver) return;
    this.#queue.push({ chunk, bytes });
    this.#unsentBytes += bytes;
    if (this.#isWanted) this.#pull();
  }

  /** Ends the answer behind what has been sent. */
  finish(): void {
    this.#isLast = true;
    if (this.#isWanted) this.#pull();
  }

  /** Ends the answer at once, without what waits. */
  end(): void {
    if (this.#isOver) return;
    this.#controller.close();
    this.#over();
  }

  /** Breaks the connection off, which also ends one that takes nothing. */
  abort(error: Error): void {
    if (this.#isOver) return;
    this.#controller.error(error);
    this.#over();
  }

  /** Gives the server what comes next; it has taken all that it was given before. */
  #pull(): void {
    if (this.#beingWritten?.chunk.byteLength === this.#written) {
      this.#unsentBytes -= this.#beingWritten.bytes;
      this.#beingWritten = undefined;
    }
    if (this.#beingWritten === undefined) {
      this.#beingWritten = this.#queue.shift();
      this.#written = 0;
    }
    const piece = this.#beingWritten;
    this.#isWanted = piece === undefined;
    if (piece !== undefined) {
      const part = piece.chunk.subarray(this.#written, this.#written + WRITE_BYTES);
      const isEnd = this.#isLast && this.#queue.length === 0 &&
        this.#written + part.byteLength === piece.chunk.byteLength;
      // The server takes the end before it has written it.
      const slice = isEnd ? part.slice() : part;
      this.#written += slice.byteLength;
      this.#takenBytes += slice.byteLength;
      this.#controller.enqueue(slice);
    } else if (this.#isLast) this.end();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#queue = [];
    this.#onOver();
  }
}
