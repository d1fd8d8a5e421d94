/**
 * Where `node:http` listens.
 *
 * @module
 */
import { type AddressInfo, Server as TcpServer } from "node:net";
import type { Server } from "node:http";
import { messageOf } from "../errors.ts";
import type { Log } from "../host/log.ts";
import { listenError } from "./listen_error.ts";

/** How long after a crowd the server listens anew, in milliseconds: most of it has gone by then. */
const ANEW_MS = 1000;

/** Where a server is to listen. */
export interface DoorOptions {
  readonly host: string;
  readonly port: number;
  /** Whether other threads listen there, too. */
  readonly isShared: boolean;
  readonly log: Log;
}

/**
 * Has a server listen. Deno's servers of `node:net` hear of nobody any more, and say nothing, once no
 * file could be opened for a connection. So this one listens anew after every crowd; those who are
 * connected stay so.
 */
export class Door {
  readonly #server: Server;
  readonly #options: DoorOptions;
  #port: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(server: Server, options: DoorOptions) {
    this.#server = server;
    this.#options = options;
    this.#port = options.port;
  }

  /**
   * Listens, and returns where.
   *
   * @throws {StreamError} (`unreachable`) when it cannot
   */
  async open(): Promise<AddressInfo> {
    const { host, port, log } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (cause) => reject(listenError(host, port, cause)));
      this.#server.once("listening", () => resolve());
      this.#listen();
    });
    this.#server.on("error", (error) => {
      log.error(`Cannot take a connection in: ${messageOf(error)}`);
      if (!this.#server.listening) this.crowded();
    });
    const bound = this.#server.address() as AddressInfo;
    this.#port = bound.port;
    return bound;
  }

  /** More have come at once than may: perhaps there was no file left for one of them. */
  crowded(): void {
    this.#timer ??= setTimeout(() => this.#openAnew(), ANEW_MS);
  }

  /** Opens no more. */
  shut(): void {
    clearTimeout(this.#timer);
  }

  #openAnew(): void {
    this.#timer = undefined;
    // That of HTTP would end those who wait for their next request.
    if (this.#server.listening) TcpServer.prototype.close.call(this.#server);
    this.#listen();
  }

  #listen(): void {
    const { host, isShared } = this.#options;
    const port = this.#port;
    this.#server.listen(isShared ? { host, port, reusePort: true } : { host, port });
  }
}
