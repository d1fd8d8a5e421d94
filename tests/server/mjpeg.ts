/**
 * A client of motion JPEG over HTTP that knows nothing but RFC 2046.
 *
 * @module
 */
import { concat } from "../split/samples.ts";
import { soon } from "../waiting.ts";

/** One picture with what its head says. */
export interface Part {
  readonly headers: Headers;
  readonly data: Uint8Array<ArrayBuffer>;
}

const decoder = new TextDecoder();

/** Reads the parts of an answer one by one. */
export class PartReader implements AsyncDisposable {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #boundary: string;
  #bytes = new Uint8Array();

  constructor(response: Response) {
    this.response = response;
    const type = response.headers.get("content-type") ?? "";
    this.#boundary = `--${/^multipart\/x-mixed-replace; ?boundary=([\w-]+)$/.exec(type)![1]}`;
    this.#reader = response.body!.getReader();
  }

  /** Asks for the motion JPEG at `url`. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<PartReader> {
    return new PartReader(await soon(`an answer from ${url}`, fetch(url, { headers })));
  }

  /** The next part, as soon as the boundary behind it is there; `undefined` at the end. */
  async next(): Promise<Part | undefined> {
    const start = await this.#find(`${this.#boundary}\r\n`, 0);
    if (start === undefined) return undefined;
    const head = start + this.#boundary.length + 2;
    const data = await this.#find("\r\n\r\n", head - 2);
    if (data === undefined) return undefined;
    const end = await this.#find(`\r\n${this.#boundary}\r\n`, data + 4);
    if (end === undefined) return undefined;
    const lines = decoder.decode(this.#bytes.subarray(head, data)).split("\r\n");
    const fields = lines.map((line) => line.split(": ") as [string, string]);
    const part = { headers: new Headers(fields), data: this.#bytes.slice(data + 4, end) };
    this.#bytes = this.#bytes.slice(end + 2);
    return part;
  }

  /** The data of the next part. */
  async picture(): Promise<Uint8Array<ArrayBuffer>> {
    const part = await this.next();
    if (part === undefined) throw new Error("the answer ended");
    return part.data;
  }

  /** What has come behind the parts that were taken. */
  get rest(): string {
    return decoder.decode(this.#bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel();
  }

  async #find(text: string, from: number): Promise<number | undefined> {
    for (;;) {
      const at = indexOf(this.#bytes, text, from);
      if (at !== undefined) return at;
      const { value, done } = await soon(`a part of ${this.response.url}`, this.#reader.read());
      if (done) return undefined;
      this.#bytes = concat(this.#bytes, value);
    }
  }
}

function indexOf(bytes: Uint8Array, text: string, from: number): number | undefined {
  const wanted = new TextEncoder().encode(text);
  for (let at = bytes.indexOf(wanted[0]!, from); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (wanted.every((byte, offset) => bytes[at + offset] === byte)) return at;
  }
  return undefined;
}
