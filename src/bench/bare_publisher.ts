/**
 * Publishes without a protocol.
 *
 * @module
 */
import type { FrameSource } from "../files/frame_source.ts";
import { StreamError } from "../errors.ts";
import { type Client, openClientSocket } from "../net/client_socket.ts";
import type { Pass } from "../net/pass.ts";
import { connectFault } from "../net/connect_error.ts";

/** Frames beyond which the connection is behind, and those that it takes at least. */
const MAX_BUFFERED_FRAMES = 3;
const MIN_BUFFERED_BYTES = 1024 * 1024;

/** The code of a connection that ended without a goodbye (RFC 6455 section 7.1.5). */
const LOST = 1006;

/** Sends the frames of a source over one plain WebSocket; a frame that it cannot take is dropped. */
export class BarePublisher {
  readonly #url: string;
  readonly #pass: Pass;
  #frames = 0;
  #dropped = 0;

  /**
   * @param url the stream's WebSocket address
   * @param pass what goes with the connection
   */
  constructor(url: string, pass: Pass = {}) {
    this.#url = url;
    this.#pass = pass;
  }

  /** Frames sent and dropped. */
  stats(): { readonly frames: number; readonly dropped: number } {
    return { frames: this.#frames, dropped: this.#dropped };
  }

  /**
   * Sends all frames of `source`.
   *
   * @throws {StreamError} when it cannot connect, or the connection is lost
   */
  async run(source: FrameSource): Promise<void> {
    const socket = await this.#open();
    const lost = Promise.withResolvers<never>();
    // It is waited for below, but perhaps not any more.
    lost.promise.catch(() => {});
    socket.onclose = ({ code, reason }) => {
      const why = reason !== ""
        ? reason
        : code === LOST
        ? "the connection was lost"
        : `the relay closed the connection with code ${code}`;
      lost.reject(new StreamError("failed", `Cannot stay connected to ${this.#url}: ${why}`));
    };
    try {
      for (;;) {
        const frame = await Promise.race([source.next(), lost.promise]);
        if (frame === undefined) return;
        const { data } = frame;
        const most = Math.max(MIN_BUFFERED_BYTES, MAX_BUFFERED_FRAMES * data.byteLength);
        if (socket.bufferedAmount + data.byteLength > most) {
          this.#dropped++;
        } else {
          socket.send(data);
          this.#frames++;
        }
      }
    } finally {
      socket.onclose = null;
      socket.close();
    }
  }

  async #open(): Promise<Client> {
    const url = new URL(this.#url);
    url.searchParams.set("role", "publish");
    const socket = openClientSocket(url, [], this.#pass);
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onerror = (event) => {
        const seen = connectFault((event as ErrorEvent).message);
        reject(new StreamError("unreachable", `Cannot connect to ${this.#url}: ${seen}`));
      };
    });
    return socket;
  }
}
