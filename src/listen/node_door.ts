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
import type { Refusals } from "./refusals.ts";

/** How often it is looked whether there was a crowd, in milliseconds. */
const LOOK_MS = 1000;
/** With so many refused between two looks, others may have come for whom there was no file left. */
const CROWD = 8;
/** Looks at which it listens anew once there was a crowd: the rest of it may come behind the first. */
const ANEW = 3;

/** Where a server is to listen. */
export interface DoorOptions {
  readonly host: string;
  readonly port: number;
  /** Whether other threads listen there, too. */
  readonly isShared: boolean;
  /** Where all threads count whom they refuse. */
  readonly refusals: Refusals;
  readonly log: Log;
}

/**
 * Has a server listen. Deno's servers of `node:net` hear of nobody any more, and say nothing, once no
 * file could be opened for a connection. So this one listens anew after every crowd, whichever thread it
 * came to; those who are connected stay so.
 */
export class Door {
  readonly #server: Server;
  readonly #options: DoorOptions;
  #port: number;
  #refused: number;
  /** At how many looks it listens anew yet. */
  #anew = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(server: Server, options: DoorOptions) {
    this.#server = server;
    this.#options = options;
    this.#port = options.port;
    this.#refused = options.refusals.total("connections");
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
    });
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    const bound = this.#server.address() as AddressInfo;
    this.#port = bound.port;
    return bound;
  }

  /** Opens no more. */
  shut(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const before = this.#refused;
    this.#refused = this.#options.refusals.total("connections");
    if (this.#refused - before >= CROWD) this.#anew = ANEW;
    const { listening } = this.#server;
    if (listening && this.#anew === 0) return;
    this.#anew = Math.max(0, this.#anew - 1);
    // That of HTTP would end those who wait for their next request.
    if (listening) TcpServer.prototype.close.call(this.#server);
    this.#listen();
  }

  #listen(): void {
    const { host, isShared } = this.#options;
    const port = this.#port;
    this.#server.listen(isShared ? { host, port, reusePort: true } : { host, port });
  }
}
