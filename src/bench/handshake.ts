/**
 * A WebSocket client's handshake (RFC 6455 section 4.1).
 *
 * @module
 */
import { createHash } from "node:crypto";
import { StreamError } from "../errors.ts";
import { SUBPROTOCOL } from "../wire/frame_message.ts";

/** What a server's key is made with (section 1.3). */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** Longest answer in bytes. */
const MAX_ANSWER_BYTES = 16_384;

/** The handshake of one connection. */
export class Handshake {
  /** The request. */
  readonly request: string;
  /** The address without a query, for messages. */
  readonly #place: string;
  readonly #accept: string;
  readonly #isBare: boolean;
  #answer = "";

  constructor(url: URL, isBare: boolean, authorization?: string) {
    const key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
    this.#place = `${url.protocol}//${url.host}${url.pathname}`;
    this.#isBare = isBare;
    this.#accept = acceptOf(key);
    this.request = [
      `GET ${url.pathname}${url.search} HTTP/1.1`,
      `Host: ${url.host}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${key}`,
      ...(isBare ? [] : [`Sec-WebSocket-Protocol: ${SUBPROTOCOL}`]),
      ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
      "",
      "",
    ].join("\r\n");
  }

  /**
   * Takes bytes of the answer. Returns how many of them belong to it once it is whole, and is what
   * it should be; `undefined` until then.
   *
   * @throws {StreamError} `unreachable` or `refused`
   */
  take(bytes: Uint8Array): number | undefined {
    const before = this.#answer.length;
    for (let at = 0; at < bytes.length; at++) {
      this.#answer += String.fromCharCode(bytes[at]!);
      if (this.#answer.endsWith("\r\n\r\n")) {
        this.#check();
        return this.#answer.length - before;
      }
      if (this.#answer.length > MAX_ANSWER_BYTES) throw this.#error("its answer has no end");
    }
    return undefined;
  }

  #check(): void {
    const [first, ...lines] = this.#answer.split("\r\n");
    const status = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(first!)?.[1];
    if (status === undefined) throw this.#error("the server does not speak HTTP");
    if (status === "401" || status === "403") {
      throw new StreamError(
        "refused",
        `Cannot connect to ${this.#place}: the server refuses access (HTTP ${status}); check the ` +
          "credentials",
      );
    }
    if (status !== "101") throw this.#error(`the server is not a relay (HTTP ${status})`);
    const headers = new Map(lines.map((line) => {
      const [, name, value] = /^([^:]*):[ \t]*(.*?)[ \t]*$/.exec(line) ?? ["", "", ""];
      return [name!.toLowerCase(), value!] as const;
    }));
    if (headers.get("sec-websocket-accept") !== this.#accept) {
      throw this.#error("the server does not confirm the WebSocket's key");
    }
    const protocol = headers.get("sec-websocket-protocol");
    if (!this.#isBare && protocol !== SUBPROTOCOL) {
      throw this.#error(
        `the server does not speak ${SUBPROTOCOL}; use --bare for any other server`,
      );
    }
  }

  #error(what: string): StreamError {
    return new StreamError("unreachable", `Cannot connect to ${this.#place}: ${what}`);
  }
}

/** What a server answers to `key`. */
export function acceptOf(key: string): string {
  return createHash("sha1").update(key + GUID).digest("base64");
}
