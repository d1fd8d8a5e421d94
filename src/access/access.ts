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
  authorize(question: AccessQuestion): Decision | Promise<Decision>;
}

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
 * `bearer.TOKEN`, since browsers let pages set nothing else of a WebSocket, or as `?token=`.
 */
export function askerOf(request: Request, url: URL, address: string): Asker {
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  const offered = offeredProtocols(request).find((protocol) => protocol.startsWith("bearer."));
  const token = bearer ?? offered?.slice("bearer.".length) ?? url.searchParams.get("token");
  return { address, token: token ?? undefined };
}

/** The subprotocols that a WebSocket's request offers (RFC 6455 section 11.3.4). */
export function offeredProtocols({ headers }: Request): string[] {
  return (headers.get("sec-websocket-protocol") ?? "").split(",").map((offer) => offer.trim());
}
