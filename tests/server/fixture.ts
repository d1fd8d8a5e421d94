/**
 * A relay in this process, and the plainest clients for it.
 *
 * @module
 */
import { systemClock } from "../../src/host/clock.ts";
import { silentLog } from "../../src/host/log.ts";
import { DEFAULT_OPTIONS } from "../../src/relay/options.ts";
import { type Relay, serve, type ServeOptions } from "../../src/server/serve.ts";
import type { StreamStatus } from "../../src/wire/control_message.ts";

import { testedListener, testedWorkers } from "../program.ts";
import { eventually, soon } from "../waiting.ts";

/** A free port, and the command line's defaults, but no tick. */
export const DEFAULTS: ServeOptions = {
  ...DEFAULT_OPTIONS,
  host: "127.0.0.1",
  port: 0,
  workers: testedWorkers(),
  ...(testedListener() === undefined ? {} : { listener: testedListener()! }),
  fps: "source",
  helloTimeoutMs: 60_000,
};

/** A relay with {@linkcode DEFAULTS}, except for `options`. */
export async function startRelay(
  options: Partial<ServeOptions> = {},
): Promise<Relay & { url(path: string): string }> {
  const relay = await serve({ ...DEFAULTS, ...options }, {
    clock: systemClock,
    log: silentLog,
    signal: new AbortController().signal,
  });
  return { ...relay, url: (path) => `${relay.address.replace("http:", "ws:")}${path}` };
}

/** A message as a test sees it. */
export type Received = string | Uint8Array<ArrayBuffer>;

/** How a connection ended. */
export interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** A WebSocket whose messages can be waited for one by one. */
export class Client implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #opened: Promise<void>;
  readonly #closed: Promise<Closing>;
  readonly #inbox: Received[] = [];
  #wake = Promise.withResolvers<void>();
  #isClosed = false;
  readonly #url: string;

  constructor(url: string, protocols: string[] = []) {
    const socket = new WebSocket(url, protocols);
    const opened = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<Closing>();
    socket.binaryType = "arraybuffer";
    socket.onopen = () => opened.resolve();
    socket.onerror = () => {};
    socket.onmessage = ({ data }) => {
      this.#inbox.push(typeof data === "string" ? data : new Uint8Array(data));
      this.#wake.resolve();
    };
    socket.onclose = ({ code, reason }) => {
      this.#isClosed = true;
      opened.resolve();
      closed.resolve({ code, reason });
      this.#wake.resolve();
    };
    this.#socket = socket;
    this.#opened = opened.promise;
    this.#closed = closed.promise;
    this.#url = url;
  }

  /** Opens a connection; one that the server does not take has ended then. */
  static async open(url: string, protocols: string[] = []): Promise<Client> {
    const client = new Client(url, protocols);
    await soon(`a connection to ${url}`, client.#opened);
    return client;
  }

  /** Opens a connection that speaks the protocol, and says hello. */
  static async hello(url: string, hello: Record<string, unknown>): Promise<Client> {
    const client = await Client.open(url, ["stream.v1"]);
    client.send(JSON.stringify({ type: "hello", version: 1, ...hello }));
    return client;
  }

  /** How the connection ends. */
  get closed(): Promise<Closing> {
    return soon(`the end of the connection to ${this.#url}`, this.#closed);
  }

  /** Whether it has been opened and not closed. */
  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  send(message: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(message);
  }

  /** The next message, called `what` where it does not come. */
  async next(what = "a message"): Promise<Received> {
    while (this.#inbox.length === 0) {
      if (this.#isClosed) throw new Error("the connection ended");
      await soon(`${what} from ${this.#url}`, this.#wake.promise);
      this.#wake = Promise.withResolvers<void>();
    }
    return this.#inbox.shift()!;
  }

  /** The next frame; control messages before it are passed over. */
  async frame(): Promise<Uint8Array<ArrayBuffer>> {
    for (;;) {
      const message = await this.next("a frame");
      if (typeof message !== "string") return message;
    }
  }

  /** The next control message of that type; everything before it is passed over. */
  // deno-lint-ignore no-explicit-any
  async control(type: string): Promise<any> {
    for (;;) {
      const message = await this.next(`the message "${type}"`);
      if (typeof message !== "string") continue;
      const control = JSON.parse(message);
      if (control.type === type) return control;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.closed;
  }
}

/** A frame that says its number. */
export function frameOf(number: number, bytes = 8): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(Math.max(bytes, 4));
  new DataView(frame.buffer).setUint32(0, number);
  return frame;
}

/** The number in a frame of {@linkcode frameOf}. */
export function numberOf(frame: Uint8Array<ArrayBuffer>): number {
  return new DataView(frame.buffer, frame.byteOffset).getUint32(0);
}

/** The numbers of a stream. */
export async function status(relay: Relay, name = "live"): Promise<StreamStatus> {
  const response = await fetch(`${relay.address}/api/streams/${name}`);
  if (response.ok) return await response.json();
  throw new Error((await response.json()).error);
}

/** Asks for the numbers of a stream until they are as wanted; it need not be there at first. */
export async function until(
  relay: Relay,
  isWanted: (status: StreamStatus) => boolean,
  name = "live",
): Promise<StreamStatus> {
  return await eventually(`the stream ${name} to be as in ${isWanted}`, async () => {
    const response = await fetch(`${relay.address}/api/streams/${name}`);
    const numbers: StreamStatus = await response.json();
    return response.ok && isWanted(numbers) && numbers;
  });
}

/** Some server in this process, and its WebSocket address. */
export function openHere(
  handler: (request: Request) => Response | Promise<Response>,
): { readonly url: string } & AsyncDisposable {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  return {
    url: `ws://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
