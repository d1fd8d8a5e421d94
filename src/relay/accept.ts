/**
 * Opens connections.
 *
 * @module
 */
import { ProtocolError } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";
import { SUBPROTOCOL } from "../wire/frame_message.ts";
import { BarePeer, type BareRole } from "./bare_peer.ts";
import type { Front } from "./front.ts";
import { GuardedPeer } from "./guarded_peer.ts";
import type { PeerPlace } from "./peer.ts";
import { ProtocolPeer } from "./protocol_peer.ts";
import { SocketPort } from "./socket_port.ts";

/** Seconds without a sign of life after which a peer is pinged, and then given up. */
const IDLE_TIMEOUT_S = 30;

/** What a WebSocket request asks for. */
export interface PeerRequest extends PeerPlace {
  /** What a client without a protocol wants to do. */
  readonly role: BareRole;
  /** Why the peer is closed as soon as it is open. */
  readonly fault: ProtocolError | undefined;
}

/** Answers a WebSocket request, and serves the peer until it goes. */
export function acceptPeer(front: Front, request: Request, asked: PeerRequest): Response {
  const speaks = offeredProtocols(request).includes(SUBPROTOCOL);
  const { socket, response } = Deno.upgradeWebSocket(request, {
    idleTimeout: IDLE_TIMEOUT_S,
    ...(speaks ? { protocol: SUBPROTOCOL } : {}),
  });
  socket.binaryType = "arraybuffer";
  const port = new SocketPort(socket, front.maxViewerBytes);
  const peer = new GuardedPeer(asked.name, port, front.log);
  socket.onopen = () =>
    peer.open(() => {
      if (asked.fault !== undefined) throw asked.fault;
      if (front.isStopping) throw new ProtocolError(CLOSE.goingAway, "the relay stops");
      return speaks
        ? new ProtocolPeer(front, asked, port)
        : new BarePeer(front, asked, port, asked.role);
    });
  socket.onmessage = ({ data }) => {
    port.heard();
    peer.receive(typeof data === "string" ? data : new Uint8Array(data));
  };
  // What went wrong is told by the close that follows.
  socket.onerror = () => {};
  socket.onclose = () => {
    port.gone();
    peer.closed();
  };
  return response;
}

function offeredProtocols(request: Request): string[] {
  const header = request.headers.get("sec-websocket-protocol") ?? "";
  return header.split(",").map((protocol) => protocol.trim());
}
