/**
 * A connection below the WebSocket API.
 *
 * Node's sockets are Deno's cheapest way to receive: all connections of a thread read into one
 * buffer, nothing is copied, and no promise is made for a read.
 *
 * @module
 */
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { certificateFault } from "../net/certificate_fault.ts";

/** Who hears of a connection. */
export interface SocketListener {
  /** The connection stands, with its TLS. */
  open(): void;
  /** Bytes, valid during the call. */
  bytes(bytes: Uint8Array<ArrayBuffer>): void;
  /** The end, told once; `why` is the system's word for it, absent for an orderly one. */
  end(why?: string): void;
}

/** An open connection. */
export interface ByteSocket {
  send(bytes: Uint8Array): void;
  /** Reads nothing until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends it at once; nothing more is told. */
  close(): void;
}

/** Connects to the host of a `ws:` or `wss:` address; what comes is read into `buffer`. */
export function openSocket(
  url: URL,
  buffer: Uint8Array<ArrayBuffer>,
  listener: SocketListener,
  ca?: readonly string[],
): ByteSocket {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const isSecure = url.protocol === "wss:";
  const port = Number(url.port || (isSecure ? 443 : 80));
  let isOver = false;
  let hasFailed = false;
  const end = (why?: string) => {
    if (isOver) return;
    isOver = true;
    listener.end(why);
  };
  const take = (bytes: Uint8Array<ArrayBuffer>) => {
    if (!isOver) listener.bytes(bytes);
  };
  let socket: Socket;
  if (isSecure) {
    socket = connectTls({
      host,
      port,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(ca === undefined ? {} : { ca: [...ca] }),
    });
    socket.on("data", take);
    socket.on("secureConnect", () => listener.open());
  } else {
    socket = connectTcp({
      host,
      port,
      onread: {
        buffer,
        callback: (count) => {
          take(buffer.subarray(0, count));
          return true;
        },
      },
    });
    socket.on("connect", () => listener.open());
  }
  socket.setNoDelay(true);
  socket.on("error", (error: Error & { readonly code?: string }) => {
    hasFailed = true;
    certificateFault(url, error).then((fault) =>
      end(fault ?? (error.code === "ECONNREFUSED" ? "nothing listens there" : error.message))
    );
  });
  socket.on("close", () => {
    if (!hasFailed) end();
  });
  socket.on("end", () => end());
  return {
    send: (bytes) => {
      if (!isOver) socket.write(bytes);
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close: () => {
      isOver = true;
      socket.destroy();
    },
  };
}
