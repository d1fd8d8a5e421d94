/**
 * Answers requests to the relay.
 *
 * @module
 */
import { askerOf, type Ruling, type TokenIds } from "../access/access.ts";
import { isLoopbackAddress } from "../listen/addresses.ts";
import type { Handler, Incoming, Upgrade } from "../listen/listener.ts";
import { soonest } from "../relay/tenure.ts";
import { nameFault } from "../wire/stream_name.ts";
import { allowReading, originOf, preflight, refuseForeign } from "./origin.ts";
import { notFoundPage, wantsPage } from "./pages.ts";
import { refuseHandshake } from "./handshake.ts";
import { ANY_NAME, refuseHost } from "./host_name.ts";
import { decodedPath } from "./request_path.ts";
import { isReading, notAllowed, text } from "./responses.ts";
import { type Asked, type Here, match, type Route, type There } from "./route.ts";
import { ROUTES } from "./routes.ts";

/** Has the row with that number answered in the thread that has the streams. */
export type AskThere = (route: number, asked: Asked) => Promise<Response>;

/** What the relay's addresses are answered with. */
export interface HandlerContext extends Here {
  readonly askThere: AskThere;
  /** Path under which the relay is, as `/video`. @default {""} */
  readonly base?: string;
}

/** Answers every request to the relay that comes to this thread. */
export function requestHandler(context: HandlerContext): Handler {
  const { guard, log } = context.streams;
  let hasWarned = !guard.isOpen;
  return (incoming) => {
    if (!hasWarned && isForwarded(incoming)) {
      hasWarned = true;
      log.warn(
        "a request came by a proxy (X-Forwarded-For), and whoever reaches that may publish, watch " +
          "and govern: say who may (--publish-token, --token-key, …)",
      );
    }
    return answer(context, incoming);
  };
}

/** Whether a request of this machine was sent by somebody else, of whom a proxy tells. */
function isForwarded({ request, address }: Incoming): boolean {
  return request.headers.has("x-forwarded-for") && isLoopbackAddress(address);
}

/** Answers in the thread that has the streams, for whichever thread a request has come to. */
export function answersThere(there: There): AskThere {
  return async (route, asked) => {
    await there.hub.refresh();
    return await ROUTES[route]!.there!(there, asked);
  };
}

async function answer(context: HandlerContext, incoming: Incoming): Promise<Response | Upgrade> {
  const { streams, base = "" } = context;
  const { request, address, takeTime } = incoming;
  const url = URL.parse(request.url);
  const names = streams.guard.needsToken ? [ANY_NAME] : streams.options.hostNames;
  const foreign = refuseHost(request, url, names);
  if (url === null || foreign !== undefined) {
    streams.refusals.add("host", "refused a request for another host (--host-name)");
    return foreign!;
  }
  const isSocket = request.headers.get("upgrade")?.toLowerCase() === "websocket";
  if (isSocket && request.method !== "GET") return notAllowed(["GET"]);
  const bad = isSocket ? refuseHandshake(request) : undefined;
  if (bad !== undefined) {
    streams.refusals.add("handshake", "refused a handshake that is none");
    return bad;
  }
  const origin = originOf(request, url, streams.options.allowOrigins);
  // Any page may read: without leave, its scripts do not see the answers.
  if (!origin.isTrusted && (isSocket || !isReading(request))) {
    streams.refusals.add("origin", "refused a page of another site (--allow-origin)");
    return refuseForeign(origin);
  }
  if (url.pathname === base && !isSocket) {
    // Pages name what they load by its place beside them.
    return new Response(null, { status: 308, headers: { location: `${base}/${url.search}` } });
  }
  if (!`${url.pathname}/`.startsWith(`${base}/`)) {
    return text(404, `Cannot find ${url.pathname}: the relay is at ${base}/\n`);
  }
  const path = decodedPath(url.pathname.slice(base.length)) || "/";
  const method = isSocket ? "WEBSOCKET" : request.method;
  const asker = askerOf(request, url, address);
  const found = match(ROUTES, { method, path }, { request, url, base, asker, takeTime });
  const outcome = found.route === undefined
    ? await unanswered(context, { request, url, path, methods: found.methods })
    : await permitted(context, found.route, found.asked);
  return outcome instanceof Response ? allowReading(outcome, origin) : outcome;
}

/** Asks whether a client may do what a route is for, before anything is done for it. */
async function permitted(
  context: HandlerContext,
  route: Route,
  asked: Asked,
): Promise<Response | Upgrade> {
  const { guard, refusals } = context.streams;
  const { actions } = route;
  const stream = nameFault(asked.name) === undefined ? asked.name : undefined;
  const rulings: Ruling[] = [];
  const { changes } = guard;
  for (const action of typeof actions === "function" ? actions(asked) : actions) {
    const answer = guard.ask({ ...asked.asker, action, stream }, "first");
    const ruling = answer instanceof Promise ? await answer : answer;
    if (ruling.decision !== "allowed") {
      refusals.count("access");
      return refusalOf(ruling);
    }
    rulings.push(ruling);
  }
  const untilMs = soonest(rulings);
  return await respond(context, route, {
    ...asked,
    ids: idsOf(rulings),
    changes,
    ...(untilMs === undefined ? {} : { untilMs }),
  });
}

/** Whose token it was: the same one for everything that is asked at once. */
function idsOf([ruling]: readonly Ruling[]): TokenIds {
  const { keyId, tokenId, subject } = ruling ?? {};
  return {
    ...(keyId === undefined ? {} : { keyId }),
    ...(tokenId === undefined ? {} : { tokenId }),
    ...(subject === undefined ? {} : { subject }),
  };
}

function refusalOf({ decision, why, retryAfterS = 1 }: Ruling): Response {
  const sentence = `Cannot do this: ${why}\n`;
  if (decision === "limited") return text(429, sentence, { "retry-after": String(retryAfterS) });
  return decision === "unknown"
    ? text(401, sentence, { "www-authenticate": "Bearer" })
    : text(403, sentence);
}

async function respond(
  context: HandlerContext,
  { here, number }: Route,
  asked: Asked,
): Promise<Response | Upgrade> {
  const there = (other = asked) => context.askThere(number, other);
  return await (here === undefined ? there() : here(context, asked, there));
}

/** Answers a request that no route is for. */
async function unanswered(
  { streams, base = "" }: HandlerContext,
  { request, url, path, methods }: {
    readonly request: Request;
    readonly url: URL;
    readonly path: string;
    readonly methods: readonly string[];
  },
): Promise<Response> {
  if (methods.length > 0) {
    return request.method === "OPTIONS" ? preflight(methods) : notAllowed(methods);
  }
  const sentence = `Cannot find ${url.pathname}: ${nameFault(path.slice(1)) ?? "nothing is there"}`;
  return wantsPage(request)
    ? await notFoundPage(request, sentence, { framedBy: streams.options.allowOrigins, base })
    : text(404, `${sentence}\n`, { vary: "accept" });
}
