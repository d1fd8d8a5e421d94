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

/** A server that listens. */
export interface Door {
  readonly hostname: string;
  readonly port: number;
  /** More have come at once than may: perhaps there was no file left for one of them. */
  crowded(): void;
  /** Opens no more. */
  shut(): void;
}

/**
 * Has `server` listen. Deno's servers of `node:net` hear of nobody any more, and say nothing, once no
 * file could be opened for a connection. So this one listens anew after every crowd; those who are
 * connected stay so.
 *
 * @throws {StreamError} (`unreachable`) when it cannot listen
 */
export async function openDoor(
  server: Server,
  { host, port, isShared, log }: DoorOptions,
): Promise<Door> {
  const listen = (port: number) =>
    server.listen(isShared ? { host, port, reusePort: true } : { host, port });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(listenError(host, port, cause)));
    server.once("listening", () => resolve());
    listen(port);
  });
  const bound = server.address() as AddressInfo;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const anew = () => {
    timer = undefined;
    // That of HTTP would end those who wait for their next request.
    if (server.listening) TcpServer.prototype.close.call(server);
    listen(bound.port);
  };
  const crowded = () => {
    timer ??= setTimeout(anew, ANEW_MS);
  };
  server.on("error", (error) => {
    log.error(`Cannot take a connection in: ${messageOf(error)}`);
    if (!server.listening) crowded();
  });
  return {
    hostname: bound.address,
    port: bound.port,
    crowded,
    shut: () => clearTimeout(timer),
  };
}
