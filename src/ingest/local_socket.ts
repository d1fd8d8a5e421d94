/**
 * A WebSocket within the program: a publisher at one end, the relay at the other.
 *
 * @module
 */
import type { Socket, SocketEvents } from "../listen/listener.ts";
import { type ClientSocket, OPEN } from "../net/socket.ts";
import { SUBPROTOCOL } from "../wire/frame_message.ts";

const CONNECTING = 0;
const CLOSED = 3;

/** What a client needs of its socket. */
type ClientSide = Pick<
  ClientSocket,
  | "readyState"
  | "protocol"
  | "bufferedAmount"
  | "onopen"
  | "onmessage"
  | "onerror"
  | "onclose"
  | "send"
  | "close"
  | "terminate"
>;

/**
 * Opens at once. What the client sends is copied, as by any socket. What the relay does not read yet is
 * kept: no more than it has given credit for.
 */
export class LocalSocket implements ClientSide {
  readonly protocol = SUBPROTOCOL;
  readonly bufferedAmount = 0;
  onopen: ClientSocket["onopen"] = null;
  onmessage: ClientSocket["onmessage"] = null;
  onerror: ClientSocket["onerror"] = null;
  onclose: ClientSocket["onclose"] = null;
  #state: ClientSocket["readyState"] = CONNECTING;
  #events: SocketEvents | undefined;
  #isPaused = false;
  readonly #unread: (string | Uint8Array<ArrayBuffer>)[] = [];

  /** `accept` serves the relay's end. */
  constructor(accept: (socket: Socket) => SocketEvents) {
    queueMicrotask(() => {
      if (this.#state !== CONNECTING) return;
      this.#state = OPEN;
      this.onopen?.call(this.#self, new Event("open"));
      const events = accept(this.#relaySide());
      this.#events = events;
      // It may have been refused before it was known.
      if (this.readyState === CLOSED) events.closed();
      else this.#give();
    });
  }

  /** As a client knows it. */
  get #self(): ClientSocket {
    return this as unknown as ClientSocket;
  }

  get readyState(): ClientSocket["readyState"] {
    return this.#state;
  }

  send(message: string | ArrayBufferLike | Blob | ArrayBufferView): void {
    if (this.#state !== OPEN) return;
    // Its memory is used again as soon as it is sent.
    this.#unread.push(
      typeof message === "string" ? message : new Uint8Array(message as Uint8Array<ArrayBuffer>),
    );
    this.#give();
  }

  close(code = 1000, reason = ""): void {
    this.#end(code, reason);
  }

  terminate(): void {
    this.#end(1006, "");
  }

  #relaySide(): Socket {
    return {
      unsentBytes: 0,
      send: (message) => {
        if (this.#state !== OPEN) return;
        const data = typeof message === "string" ? message : message.slice().buffer;
        this.onmessage?.call(this.#self, new MessageEvent("message", { data }));
      },
      pause: () => this.#isPaused = true,
      resume: () => {
        this.#isPaused = false;
        this.#give();
      },
      close: (code, reason) => this.#end(code, reason),
      breakOff: () => {
        this.#end(1006, "");
        return true;
      },
    };
  }

  #give(): void {
    const events = this.#events;
    while (events !== undefined && !this.#isPaused && this.#state === OPEN) {
      const message = this.#unread.shift();
      if (message === undefined) return;
      events.receive(message);
    }
  }

  #end(code: number, reason: string): void {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    this.#unread.length = 0;
    this.onclose?.call(this.#self, new CloseEvent("close", { code, reason, wasClean: true }));
    this.#events?.closed();
  }
}
