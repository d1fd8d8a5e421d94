/**
 * A relay that says what a test has it say.
 *
 * @module
 */
import { type Clock, systemClock } from "../../src/host/clock.ts";
import type { ClientSocket, OpenSocket } from "../../src/net/socket.ts";
import { encodeControl } from "../../src/wire/control_message.ts";
import type { Message } from "../wire/messages.ts";

const END = encodeControl({ type: "end" });

/** The other end of a client's WebSocket. */
export class ScriptedSocket {
  /** What the client sent, and nobody has taken. */
  readonly #sent: Message[] = [];
  #wake = Promise.withResolvers<void>();
  /** The code with which the client closed it. */
  closedBy: number | undefined;
  readonly client: ClientSocket;

  constructor(protocol: string) {
    const socket = {
      readyState: 1,
      bufferedAmount: 0,
      protocol,
      /** It is open as soon as somebody wants to know. */
      set onopen(listener: (() => void) | null) {
        if (listener !== null) queueMicrotask(listener);
      },
      onmessage: null as ((event: { data: string | ArrayBuffer }) => void) | null,
      onclose: null as ((event: { code: number; reason: string }) => void) | null,
      send: (message: Message) => {
        this.#sent.push(message);
        this.#wake.resolve();
        // All frames have left.
        if (message === END) queueMicrotask(() => this.say(END));
      },
      close: (code: number) => {
        if (socket.readyState !== 1) return;
        this.closedBy = code;
        socket.readyState = 3;
        this.#wake.resolve();
      },
    };
    this.client = socket as unknown as ClientSocket;
  }

  /** Has the client receive messages. */
  say(...messages: readonly Message[]): void {
    for (const message of messages) {
      const data = typeof message === "string" ? message : message.slice().buffer;
      (this.client.onmessage as (event: unknown) => void)({ data });
    }
  }

  /** Ends the connection. */
  hangUp(code: number, reason = ""): void {
    (this.client as { readyState: number }).readyState = 3;
    (this.client.onclose as (event: unknown) => void)({ code, reason });
  }

  /** The next message of that type from the client; those before it are passed over. */
  // deno-lint-ignore no-explicit-any
  async control(type: string): Promise<any> {
    for (;;) {
      const message = await this.next();
      if (typeof message === "string" && JSON.parse(message).type === type) {
        return JSON.parse(message);
      }
    }
  }

  /** The next frame from the client. */
  async frame(): Promise<Uint8Array<ArrayBuffer>> {
    for (;;) {
      const message = await this.next();
      if (typeof message !== "string") return message;
    }
  }

  /** The next message from the client. */
  async next(): Promise<Message> {
    while (this.#sent.length === 0) {
      if (this.closedBy !== undefined) throw new Error("the client has closed");
      await this.#wake.promise;
      this.#wake = Promise.withResolvers<void>();
    }
    return this.#sent.shift()!;
  }

  /** What of that type the client has sent, and nobody has taken. */
  count(type: string): number {
    return this.#sent.filter((message) =>
      typeof message === "string" && JSON.parse(message).type === type
    ).length;
  }
}

/** Takes the connections of one client. */
export class ScriptedRelay {
  readonly url = "ws://127.0.0.1:8080/cam";
  readonly #sockets: ScriptedSocket[] = [];
  #wake = Promise.withResolvers<void>();

  /** What the client connects by. */
  readonly openSocket: OpenSocket = (_url, [protocol]) => {
    const socket = new ScriptedSocket(protocol!);
    this.#sockets.push(socket);
    this.#wake.resolve();
    return socket.client;
  };

  /** The next connection. */
  async connection(): Promise<ScriptedSocket> {
    while (this.#sockets.length === 0) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers<void>();
    }
    return this.#sockets.shift()!;
  }
}

/** A clock on which a second passes whenever somebody looks at it, once it hurries. */
export class HurryingClock implements Clock {
  #aheadMs = 0;
  isHurrying = false;
  readonly wallUs = systemClock.wallUs;

  nowMs(): number {
    if (this.isHurrying) this.#aheadMs += 1000;
    return systemClock.nowMs() + this.#aheadMs;
  }
}

/** Lets everything go on that need not wait for anybody. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
}
