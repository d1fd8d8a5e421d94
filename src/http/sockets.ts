/**
 * Upgrades to WebSockets.
 *
 * @module
 */
import { type Action, offeredProtocols, tokenProtocol } from "../access/access.ts";
import type { JoinFrom } from "../core/feed.ts";
import { ProtocolError } from "../errors.ts";
import type { Upgrade } from "../listen/listener.ts";
import { acceptPeer } from "../relay/accept.ts";
import type { BareRole } from "../relay/bare_peer.ts";
import { CLOSE } from "../wire/close_code.ts";
import { SUBPROTOCOL } from "../wire/frame_message.ts";
import { nameFault } from "../wire/stream_name.ts";
import type { Asked, Here } from "./route.ts";

const JOIN_FROM: readonly JoinFrom[] = ["key", "live"];

/** What a client without a protocol wants to do, by its role. */
const BARE_ACTIONS: Readonly<Record<BareRole, readonly Action[]>> = {
  both: ["watch", "publish"],
  watch: ["watch"],
  publish: ["publish"],
};

/** What must be permitted before a socket is opened: what is wrong with it is told by its close. */
export function socketActions(asked: Asked): readonly Action[] {
  if (faultOf(asked) !== undefined) return [];
  return speaksProtocol(asked) ? ["connect"] : BARE_ACTIONS[roleOf(asked) as BareRole];
}

/** Opens a socket to the relay. */
export function acceptSocket({ streams }: Here, asked: Asked): Upgrade {
  const { name, asker } = asked;
  const speaks = speaksProtocol(asked);
  const place = { name, joinFrom: joinOf(asked) as JoinFrom };
  const role = speaks ? SUBPROTOCOL : roleOf(asked) as BareRole;
  const fault = faultOf(asked);
  const actions = socketActions(asked);
  return {
    // A browser breaks the connection off where none of what its page offers comes back.
    protocol: speaks ? SUBPROTOCOL : tokenProtocol(asked.request),
    open: (socket) =>
      acceptPeer(streams, socket, {
        ...place,
        asker,
        role,
        fault,
        actions,
        untilMs: asked.untilMs,
        changes: asked.changes,
      }),
  };
}

function faultOf(asked: Asked): ProtocolError | undefined {
  const badName = nameFault(asked.name);
  if (badName !== undefined) return new ProtocolError(CLOSE.badName, badName);
  if (!Object.hasOwn(BARE_ACTIONS, roleOf(asked))) {
    const roles = Object.keys(BARE_ACTIONS).join(", ");
    return new ProtocolError(CLOSE.protocolError, `role must be one of ${roles}`);
  }
  if (!JOIN_FROM.includes(joinOf(asked) as JoinFrom)) {
    return new ProtocolError(CLOSE.protocolError, `join must be one of ${JOIN_FROM.join(", ")}`);
  }
}

function roleOf({ url }: Asked): string {
  return url.searchParams.get("role") ?? "both";
}

function joinOf({ url }: Asked): string {
  return url.searchParams.get("join") ?? "key";
}

function speaksProtocol({ request }: Asked): boolean {
  return offeredProtocols(request).includes(SUBPROTOCOL);
}
