/**
 * Who may do what: one question, asked before each answer, each upgrade and each hello.
 *
 * @module
 */

/**
 * What somebody wants to do. `connect`: open a connection that speaks `stream.v1`, of which the hello
 * says whether it is to publish or to watch; then it is asked again.
 */
export type Action = "publish" | "watch" | "admin" | "metrics" | "connect";

/** Who asks, as far as a request tells. */
export interface Asker {
  /** Network address, without a port; empty where it is not known. */
  readonly address: string;
  /** The token that came along, unchecked; `undefined` without one. */
  readonly token: string | undefined;
  /** What the client calls itself (`User-Agent`). Absent: it does not say. */
  readonly userAgent?: string;
}

/** What somebody wants to do. */
export interface AccessQuestion extends Asker {
  /** What it is. */
  readonly action: Action;
  /** Name of the stream; `undefined` where it is about all of them. */
  readonly stream: string | undefined;
}

/**
 * The answer: `allowed`, `unknown` where credentials would help (HTTP 401), or `forbidden` where those
 * that came do not (HTTP 403).
 */
export type Decision = "allowed" | "unknown" | "forbidden";

/** What is wrong with what came to prove a right. */
export type AccessFault =
  /** Nothing came. */
  | "none"
  /** It is no token that the relay knows. */
  | "wrong"
  /** It does not count any longer, though its time is not over. */
  | "revoked"
  /** Its time is over. */
  | "expired"
  /** Its time has not come. */
  | "early"
  /** It is for something else. */
  | "action"
  /** It is for other streams. */
  | "stream";

/** Whose token it was, as far as the token says; never the token itself. */
export interface TokenIds {
  /** The key that signed the token (`kid`). */
  readonly keyId?: string;
  /** The token's own id (`jti`). */
  readonly tokenId?: string;
  /** Whom the token was made out to (`sub`). */
  readonly subject?: string;
}

/** An answer with what else is known. */
export interface Ruling extends TokenIds {
  /** The answer; `limited`: too many wrong tokens have come from there (HTTP 429). */
  readonly decision: Decision | "limited";
  /** Why not, as a clause for people that names no token. Absent: it follows from the decision. */
  readonly why?: string;
  /** What is wrong. Absent: it is not known. */
  readonly fault?: AccessFault;
  /** Until when it holds, in milliseconds since the Unix epoch. Absent: until it is said to change. */
  readonly untilMs?: number;
  /** After how many seconds another try may help. */
  readonly retryAfterS?: number;
}

/**
 * Decides who may do what.
 *
 * @example
 * ```ts
 * import { type Access, serve } from "@stream/relay";
 *
 * const access: Access = {
 *   authorize: ({ action, token }) =>
 *     action !== "publish" || token === "secret" ? "allowed" : "unknown",
 * };
 * await using relay = await serve({ access });
 * await relay.closed;
 * ```
 */
export interface Access {
  /**
   * Whether nobody may do anything without a token. The relay then answers for any host name, as pages of
   * other sites have none. @default {false}
   */
  readonly needsToken?: boolean;
  /** Answers the question. */
  authorize(question: AccessQuestion): Decision | Ruling | Promise<Decision | Ruling>;
  /**
   * Has `listener` called when what was answered may not hold any longer: who is there is asked about
   * again. Returns what ends that. Absent: answers hold until their time is over.
   */
  onChange?(listener: () => void): () => void;
}

/** What stands before a token that is a subprotocol. */
const TOKEN_PROTOCOL = "bearer.";

/** Longest name of a client that is passed on, in characters. */
const MAX_USER_AGENT = 200;

/** Lets everybody do everything. */
export const openAccess: Access = { authorize: () => "allowed" };

/** What a decision against somebody is called. */
export function refusalOf(decision: Exclude<Decision, "allowed">, action: Action): string {
  return decision === "unknown"
    ? `${action} needs credentials, and none that the relay knows have come`
    : `these credentials do not permit ${action}`;
}

/**
 * Reads from a request who sends it. A token comes as `Authorization: Bearer`, as the subprotocol
 * `bearer.TOKEN`, since browsers let pages set nothing else of a WebSocket, or as `?token=`. In the
 * subprotocol, `%XX` stands for what no subprotocol may have, such as the `/` and `=` of base64.
 */
export function askerOf(request: Request, url: URL, address: string): Asker {
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  const protocol = tokenProtocol(request)?.slice(TOKEN_PROTOCOL.length);
  const offered = protocol === undefined ? undefined : withoutEscapes(protocol);
  const token = bearer ?? offered ?? url.searchParams.get("token");
  const userAgent = request.headers.get("user-agent");
  return {
    address,
    token: token ?? undefined,
    ...(userAgent === null ? {} : { userAgent: userAgent.slice(0, MAX_USER_AGENT) }),
  };
}

function withoutEscapes(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A client that knows of no escapes.
    return text;
  }
}

/** The subprotocol that carries a token, if the request offers one. */
export function tokenProtocol(request: Request): string | undefined {
  return offeredProtocols(request).find((protocol) => protocol.startsWith(TOKEN_PROTOCOL));
}

/** The subprotocols that a WebSocket's request offers (RFC 6455 section 11.3.4). */
export function offeredProtocols({ headers }: Request): string[] {
  return (headers.get("sec-websocket-protocol") ?? "").split(",").map((offer) => offer.trim());
}
