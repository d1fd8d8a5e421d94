/**
 * A connection of somebody who does what no client should, below HTTP and WebSockets.
 *
 * @module
 */
import { MessageReader } from "../../src/bench/message_reader.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
/** Bytes of an answer's head that are kept, at most. */
const MAX_HEAD_BYTES = 65_536;

/** How a request differs from one that a client would make. */
export interface Request {
  /** @default {"GET"} */
  readonly method?: string;
  /** @default {the relay's address} */
  readonly host?: string;
  /** Further lines of the header. */
  readonly lines?: readonly string[];
  /** @default {""} */
  readonly body?: string;
}

/** How a handshake differs from one that a client would make. */
export interface Upgrade extends Request {
  /** Lines in place of the ones that open a WebSocket. */
  readonly upgrade?: readonly string[];
  readonly hasProtocol?: boolean;
}

/** The lines that open a WebSocket. */
export const UPGRADE: readonly string[] = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  `Sec-WebSocket-Key: ${KEY}`,
];

/** A frame as a client sends it, masked with zeros; `first` is its first byte (RFC 6455 section 5.2). */
export function maskedWithZeros(first: number, payload: Uint8Array | string): Uint8Array {
  const bytes = typeof payload === "string" ? encoder.encode(payload) : payload;
  const header = frameHeader(first, bytes.length);
  const frame = new Uint8Array(header.length + bytes.length);
  frame.set(header);
  frame.set(bytes, header.length);
  return frame;
}

/** The header of a client's frame of `length` bytes, with a mask of zeros. */
export function frameHeader(first: number, length: number): Uint8Array {
  if (length < 126) return Uint8Array.of(first, 0x80 | length, 0, 0, 0, 0);
  const header = new Uint8Array(length < 65_536 ? 8 : 14);
  const view = new DataView(header.buffer);
  header[0] = first;
  header[1] = 0x80 | (length < 65_536 ? 126 : 127);
  if (length < 65_536) view.setUint16(2, length);
  else view.setBigUint64(2, BigInt(length));
  return header;
}

/** `bytes` so often in a row. */
export function repeated(bytes: Uint8Array, times: number): Uint8Array {
  const all = new Uint8Array(bytes.length * times);
  for (let at = 0; at < all.length; at += bytes.length) all.set(bytes, at);
  return all;
}

/** A connection to a relay. */
export class Stranger implements Disposable {
  readonly #host: string;
  readonly #connection: Deno.TcpConn;
  /** What was read behind the head of the answer. */
  #behind: Uint8Array = new Uint8Array();
  #isOver = false;
  /** When its end was read, by `performance.now()`. */
  endedMs = 0;

  private constructor(host: string, connection: Deno.TcpConn) {
    this.#host = host;
    this.#connection = connection;
  }

  /** Connects; a relay that has no room for it may refuse that. */
  static async open(host: string): Promise<Stranger> {
    const [hostname = "", port] = host.split(":");
    const connection = await Deno.connect({ hostname, port: Number(port) });
    connection.setNoDelay(true);
    return new Stranger(host, connection);
  }

  /** Whether it has been closed from here. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Writes all of `bytes`; `false` where the relay has ended the connection. */
  async write(bytes: Uint8Array | string): Promise<boolean> {
    const all = typeof bytes === "string" ? encoder.encode(bytes) : bytes;
    try {
      for (let at = 0; at < all.length;) at += await this.#connection.write(all.subarray(at));
      return true;
    } catch {
      // Ended by the relay, or from here while it waited.
      return false;
    }
  }

  /** Sends a request, whose answer is left to be read. */
  ask(path: string, request: Request = {}): Promise<boolean> {
    const { method = "GET", host = this.#host, lines = [], body = "" } = request;
    const head = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...lines].join("\r\n");
    return this.write(`${head}\r\n\r\n${body}`);
  }

  /** Sends a handshake, and gives the status of the answer. */
  async upgrade(path: string, options: Upgrade = {}): Promise<number> {
    const { upgrade = UPGRADE, lines = [], hasProtocol = false } = options;
    const protocol = hasProtocol ? ["Sec-WebSocket-Protocol: stream.v1"] : [];
    await this.ask(path, { ...options, lines: [...upgrade, ...protocol, ...lines] });
    return await this.status();
  }

  /** Opens a WebSocket that says `hello`. */
  async hello(path: string, hello: Readonly<Record<string, unknown>>): Promise<number> {
    const status = await this.upgrade(path, { hasProtocol: true });
    await this.text(JSON.stringify({ type: "hello", version: 1, ...hello }));
    return status;
  }

  /** Sends a text message. */
  text(text: string): Promise<boolean> {
    return this.write(maskedWithZeros(0x81, text));
  }

  /** Sends a binary message. */
  binary(bytes: Uint8Array): Promise<boolean> {
    return this.write(maskedWithZeros(0x82, bytes));
  }

  /** The status of the answer; 0 where the connection ends without one. */
  async status(): Promise<number> {
    return Number(/^HTTP\/1\.[01] (\d{3})/.exec(await this.head())?.[1] ?? 0);
  }

  /** The head of the answer; what had come until the end where that comes first. */
  async head(): Promise<string> {
    let bytes = this.#behind;
    for (;;) {
      const text = String.fromCharCode(...bytes.subarray(0, MAX_HEAD_BYTES));
      const end = text.indexOf("\r\n\r\n");
      if (end >= 0) {
        this.#behind = bytes.slice(end + 4);
        return text.slice(0, end);
      }
      const more = await this.read();
      if (more === undefined || bytes.length > MAX_HEAD_BYTES) return text;
      const all = new Uint8Array(bytes.length + more.length);
      all.set(bytes);
      all.set(more, bytes.length);
      bytes = all;
    }
  }

  /** What comes next; `undefined` at the end. */
  async read(): Promise<Uint8Array | undefined> {
    const buffer = new Uint8Array(65_536);
    try {
      const count = await this.#connection.read(buffer);
      if (count !== null) return buffer.subarray(0, count);
    } catch {
      // Cut off, or closed from here.
    }
    this.endedMs ||= performance.now();
    return undefined;
  }

  /** Reads to the end. @returns what came */
  async rest(): Promise<string> {
    let text = decoder.decode(this.#behind);
    for (;;) {
      const bytes = await this.read();
      if (bytes === undefined) return text;
      text = (text + decoder.decode(bytes)).slice(-MAX_HEAD_BYTES);
    }
  }

  /** Reads messages until the relay closes. @returns the code, or `cut` where it says none */
  async closeCode(onText: (text: string) => void = () => {}): Promise<string> {
    let code: number | undefined;
    const reader = new MessageReader({
      binary: () => {},
      text: onText,
      ping: () => {},
      close: (told) => code = told,
    });
    reader.push(this.#behind);
    while (code === undefined) {
      const bytes = await this.read();
      if (bytes === undefined) return this.#isOver ? "open" : "cut";
      reader.push(bytes);
    }
    this.endedMs ||= performance.now();
    return String(code);
  }

  /** Goes away without a word. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
