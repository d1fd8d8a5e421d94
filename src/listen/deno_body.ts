/**
 * Bodies of requests on Deno's own server.
 *
 * @module
 */

type Bytes = Uint8Array<ArrayBuffer>;

/** How long after its answer a body that goes on is left, in milliseconds, so that the answer is read. */
const GRACE_MS = 500;

/** Methods of which no `Request` can be made (Fetch Standard, section 2.2.1). */
const NEVER_MADE: readonly string[] = ["CONNECT", "TRACE", "TRACK"];

/**
 * Bodies that nobody has to read to their end. Deno's server throws away, without end, what still comes
 * of a body that is cancelled before the answer has left. Behind the answer, it breaks the connection off
 * instead: so they are cancelled then, and left unread until then.
 */
export class DenoBodies {
  /** Ends each that was answered, and goes on; no more than there are connections. */
  readonly #leftOver = new Set<() => void>();
  #isDown = false;

  /**
   * The same request with such a body.
   *
   * @param completed Settles when the answer has left, or cannot.
   */
  patient(request: Request, completed: Promise<void>): Request {
    if (request.body === null) return request;
    const reader: ReadableStreamDefaultReader<Bytes> = request.body.getReader();
    let isOver = false;
    const body = new ReadableStream<Bytes>({
      pull: async (controller) => {
        const { value, done } = await reader.read();
        if (!done) return controller.enqueue(value);
        isOver = true;
        controller.close();
      },
    }, { highWaterMark: 0 });
    const leave = () => {
      if (!isOver) this.#endSoon(reader);
    };
    completed.then(leave, leave);
    const { url, method, headers } = request;
    // Whoever answers these reads no body.
    if (NEVER_MADE.includes(method)) return request;
    // A copy made of the request itself would follow its signal, of which Deno warns.
    return new Request(url, { method, headers, body });
  }

  /** Waits for none of them any more. */
  endAll(): void {
    this.#isDown = true;
    for (const end of this.#leftOver) end();
  }

  #endSoon(reader: ReadableStreamDefaultReader<Bytes>): void {
    const end = () => {
      clearTimeout(timer);
      this.#leftOver.delete(end);
      reader.cancel().catch(() => {});
    };
    const timer = setTimeout(end, GRACE_MS);
    this.#leftOver.add(end);
    if (this.#isDown) end();
  }
}
