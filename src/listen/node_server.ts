/**
 * The server of `node:http`, or of `node:https`.
 *
 * @module
 */
import { createServer, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { Certificate } from "./certificate.ts";
import type { ListenLimits } from "./limits.ts";

/** How often those are looked for that take too long, in milliseconds. */
const CHECK_MS = 500;
/** Most bytes of a request's header. */
const MAX_HEADER_BYTES = 16_384;

/** A server, which does not listen yet. */
export interface NodeServer {
  readonly server: Server;
  readonly isSecure: boolean;
  /** The event that tells of a connection on which requests may come. */
  readonly talking: "connection" | "secureConnection";
  /** Gives those who come from now on another certificate. */
  renew(certificate: Certificate): void;
}

/** A server of HTTP, or of HTTPS where there is a certificate. */
export function makeServer(limits: ListenLimits, certificate: Certificate | undefined): NodeServer {
  const options = {
    headersTimeout: limits.headerTimeoutMs,
    // Bodies have their own time, which those of video are let off.
    requestTimeout: 0,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: CHECK_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    noDelay: true,
  };
  if (certificate === undefined) {
    const server = answeringEnded(createServer(options));
    return { server, isSecure: false, talking: "connection", renew: () => {} };
  }
  const server = answeringEnded(createSecureServer({
    ...options,
    ...certificate,
    minVersion: "TLSv1.2",
    handshakeTimeout: limits.headerTimeoutMs,
  }));
  return {
    server,
    isSecure: true,
    talking: "secureConnection",
    renew: ({ cert, key }) => server.setSecureContext({ cert, key }),
  };
}

/**
 * Has `server` answer those who have sent their request and then ended their side, as `nc -N` does (RFC
 * 9112 section 9.6 lets a client do so). By itself, `node:http` ends its own side at once.
 */
function answeringEnded<T extends Server>(server: T): T {
  return Object.assign(server, { httpAllowHalfOpen: true });
}
