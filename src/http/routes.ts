/**
 * The relay's addresses.
 *
 * @module
 */
import type { JoinFrom } from "../core/feed.ts";
import { ProtocolError } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";
import { DEFAULT_NAME, nameFault } from "../wire/stream_name.ts";
import { acceptPeer, type PeerRequest } from "../relay/accept.ts";
import { isReading, notAllowed, text } from "./answer.ts";
import type { BareRole } from "../relay/bare_peer.ts";
import type { Front } from "../relay/front.ts";
import { refuseForeign, senderOf, share } from "./origin.ts";
import { pictureAddress } from "./pictures.ts";
import { decodedPath } from "./request_path.ts";
import { sendPictures } from "./send_pictures.ts";

const BARE_ROLES: readonly BareRole[] = ["both", "watch", "publish"];
const JOIN_FROM: readonly JoinFrom[] = ["key", "live"];

/** Answers a request to the relay. */
export async function route(front: Front, request: Request): Promise<Response> {
  const url = URL.parse(request.url);
  if (url === null) return text(400, "Cannot understand the request: its Host is no address\n");
  const path = decodedPath(url.pathname);
  const sender = senderOf(request, url, front.options.allowOrigins);
  if (request.headers.get("upgrade")?.toLowerCase() === "websocket") {
    if (request.method !== "GET") return notAllowed("GET");
    if (!sender.isTrusted) return refuseForeign(sender);
    return acceptPeer(front, request, peerRequest(path, url.searchParams));
  }
  // Any page may read: without leave, its scripts do not see the answers.
  if (!sender.isTrusted && !isReading(request)) return refuseForeign(sender);
  const response = await front.answer(request);
  const address = pictureAddress(path, url.searchParams);
  const answer = address === undefined || !response.ok || request.method !== "GET"
    ? response
    : await sendPictures(front, request, { response, address });
  return share(answer, sender);
}

function peerRequest(path: string, query: URLSearchParams): PeerRequest {
  const name = path === "/" ? DEFAULT_NAME : path.slice(1);
  const role = query.get("role") ?? "both";
  const nameIs = nameFault(name);
  if (nameIs !== undefined) return refusal(name, CLOSE.badName, nameIs);
  if (!BARE_ROLES.includes(role as BareRole)) {
    return refusal(name, CLOSE.protocolError, `role is not one of ${BARE_ROLES.join(", ")}`);
  }
  const joinFrom = query.get("join") ?? "key";
  if (!JOIN_FROM.includes(joinFrom as JoinFrom)) {
    return refusal(name, CLOSE.protocolError, `join is not one of ${JOIN_FROM.join(", ")}`);
  }
  return { name, role: role as BareRole, joinFrom: joinFrom as JoinFrom, fault: undefined };
}

function refusal(name: string, code: number, reason: string): PeerRequest {
  return { name, role: "both", joinFrom: "key", fault: new ProtocolError(code, reason) };
}
