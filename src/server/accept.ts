/**
 * Opens a connection and owns its end: whatever is spoken over it, this closes the socket.
 *
 * @module
 */
import { messageOf, ProtocolError } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";
import { SUBPROTOCOL } from "../wire/frame_message.ts";
import { BarePeer, type BareRole } from "./bare_peer.ts";
import type { Hub } from "./hub.ts";
import type { Peer, PeerPlace } from "./peer.ts";
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
export function acceptPeer(hub: Hub, request: Request, asked: PeerRequest): Response {
  const speaks = offeredProtocols(request).includes(SUBPROTOCOL);
  const { socket, response } = Deno.upgradeWebSocket(request, {
    idleTimeout: IDLE_TIMEOUT_S,
    ...(speaks ? { protocol: SUBPROTOCOL } : {}),
  });
  socket.binaryType = "arraybuffer";
  const port = new SocketPort(socket, hub.maxViewerBytes);
  let peer: Peer | undefined;
  let isRefused = false;
  const guarded = (action: () => void) => {
    try {
      if (!isRefused) action();
    } catch (error) {
      isRefused = true;
      const code = error instanceof ProtocolError ? error.closeCode : CLOSE.internalError;
      if (code === CLOSE.internalError) {
        hub.log.error(`Cannot go on with a peer of "${asked.name}": ${messageOf(error)}`);
      }
      port.close(code, messageOf(error));
      leave();
    }
  };
  const leave = () => {
    const left = peer;
    peer = undefined;
    left?.closed();
  };
  socket.onopen = () =>
    guarded(() => {
      if (asked.fault !== undefined) throw asked.fault;
      if (hub.isStopping) throw new ProtocolError(CLOSE.goingAway, "the relay stops");
      peer = speaks
        ? new ProtocolPeer(hub, asked, port)
        : new BarePeer(hub, asked, port, asked.role);
    });
  socket.onmessage = ({ data }) => {
    port.heard();
    guarded(() => peer?.receive(typeof data === "string" ? data : new Uint8Array(data)));
  };
  // What went wrong is told by the close that follows.
  socket.onerror = () => {};
  socket.onclose = () => {
    port.gone();
    leave();
  };
  return response;
}

function offeredProtocols(request: Request): string[] {
  const header = request.headers.get("sec-websocket-protocol") ?? "";
  return header.split(",").map((protocol) => protocol.trim());
}
