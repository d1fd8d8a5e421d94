/**
 * Serves sockets.
 *
 * @module
 */
import type { Action, Asker } from "../access/access.ts";
import { ProtocolError } from "../errors.ts";
import type { Socket, SocketEvents } from "../listen/listener.ts";
import { CLOSE } from "../wire/close_code.ts";
import { BarePeer, type BareRole } from "./bare_peer.ts";
import { Connection } from "./connection.ts";
import { HelloPeer } from "./hello_peer.ts";
import type { PeerPlace } from "./peer.ts";
import { SocketChannel, UNREAD } from "./socket_channel.ts";
import type { Streams } from "./streams.ts";

/** What a WebSocket's request asks for. */
export interface PeerRequest extends PeerPlace {
  /** Who sent it. */
  readonly asker: Asker;
  /** Whether it speaks `stream.v1`; else what it wants to do. */
  readonly role: BareRole | "stream.v1";
  /** What was permitted before the socket was opened. */
  readonly actions: readonly Action[];
  /** Until when that holds, in milliseconds since the Unix epoch; `undefined`: until it changes. */
  readonly untilMs: number | undefined;
  /** How often that had changed when it was asked. Absent: it has just been. */
  readonly changes?: number | undefined;
  /** Why the peer is closed as soon as it is open. */
  readonly fault: ProtocolError | undefined;
}

/** Serves the peer at `socket` until it goes. */
export function acceptPeer(streams: Streams, socket: Socket, asked: PeerRequest): SocketEvents {
  const { log, clock, refusals, memory, crowd, options } = streams;
  const channel = new SocketChannel(socket, {
    memory,
    maxUnreadBytes: options.maxUnreadBytes,
    onUnread: () => refusals.add("unread", `closed a peer of "${asked.name}": ${UNREAD}`),
  });
  const pace = { socket, clock, maxMessages: options.maxMessages, crowd };
  const connection = new Connection(asked.name, channel, { log, refusals, pace });
  connection.serve(() => {
    if (asked.fault !== undefined) throw asked.fault;
    if (streams.isStopping) throw new ProtocolError(CLOSE.goingAway, "the relay is stopping");
    const { role, asker, actions, untilMs, changes, name: stream } = asked;
    const questions = actions.map((action) => ({ ...asker, action, stream }));
    connection.hold({ guard: streams.guard, questions, untilMs, changes, wallMs: Date.now });
    return role === "stream.v1"
      ? new HelloPeer(streams, asked, { channel, connection, asker })
      : new BarePeer(streams, asked, { channel, role });
  });
  return connection;
}
