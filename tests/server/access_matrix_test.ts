/** Who may do what: every way in × action × stream × kind of token × what is wrong with it × threads. */
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { Access, Action } from "../../src/access/access.ts";
import { AskedElsewhere } from "../../src/access/asked_elsewhere.ts";
import { sharedSecrets } from "../../src/access/secrets.ts";
import { SignedTokens } from "../../src/access/signed_tokens.ts";
import { readKeys } from "../../src/access/token_keys.ts";
import { newKey, signToken } from "../../src/access/token_maker.ts";
import { systemClock } from "../../src/host/clock.ts";
import { silentLog } from "../../src/host/log.ts";
import { LIVE_FILES } from "../../src/media/live_files.ts";
import { type Relay, serve } from "../../src/server/serve.ts";
import { Client, DEFAULTS, openHere } from "./fixture.ts";

/** How a token comes along. */
const CARRIERS = ["header", "query", "subprotocol"] as const;
type Carrier = typeof CARRIERS[number];

interface Way {
  readonly action: Exclude<Action, "connect">;
  readonly method: "GET" | "PATCH" | "POST" | "PUT" | "DELETE" | "BARE" | "SPEAKING";
  readonly path: string;
  /** The status of an answer to who may, while nobody publishes. */
  readonly passed: number;
  /** Whether it is about no stream of its own. */
  readonly isAboutAll?: boolean;
}

const WAYS: readonly Way[] = [
  { action: "watch", method: "GET", path: "/", passed: 200, isAboutAll: true },
  { action: "watch", method: "GET", path: "/api/streams", passed: 200, isAboutAll: true },
  { action: "watch", method: "GET", path: "/api/streams/cam", passed: 404 },
  { action: "watch", method: "GET", path: "/api/streams/cam/access", passed: 204 },
  { action: "admin", method: "GET", path: "/api/streams/cam/viewers", passed: 404 },
  { action: "admin", method: "DELETE", path: "/api/streams/cam/publisher", passed: 404 },
  { action: "admin", method: "DELETE", path: "/api/streams/cam/viewers/1", passed: 404 },
  { action: "admin", method: "PATCH", path: "/api/streams/cam", passed: 400 },
  { action: "watch", method: "GET", path: "/cam.jpg", passed: 404 },
  { action: "watch", method: "GET", path: "/cam.png", passed: 404 },
  { action: "watch", method: "GET", path: "/cam.mjpeg", passed: 404 },
  ...Object.keys(LIVE_FILES).map((extension): Way => ({
    action: "watch",
    method: "GET",
    path: `/cam.${extension}`,
    passed: 404,
  })),
  { action: "watch", method: "GET", path: "/cam?action=stream", passed: 404 },
  { action: "watch", method: "GET", path: "/cam?action=snapshot", passed: 404 },
  { action: "metrics", method: "GET", path: "/metrics", passed: 200, isAboutAll: true },
  { action: "publish", method: "POST", path: "/cam", passed: 422 },
  { action: "publish", method: "PUT", path: "/cam", passed: 422 },
  { action: "publish", method: "BARE", path: "/cam", passed: 101 },
  { action: "publish", method: "BARE", path: "/cam?role=publish", passed: 101 },
  { action: "watch", method: "BARE", path: "/cam?role=watch", passed: 101 },
  { action: "publish", method: "SPEAKING", path: "/cam", passed: 101 },
  { action: "watch", method: "SPEAKING", path: "/cam", passed: 101 },
];

/** What is wrong with a token, and the status that tells it; `right`: nothing. */
const STATES = {
  right: 0,
  wrong: 401,
  absent: 401,
  expired: 401,
  revoked: 401,
  "of another key": 401,
  "too long": 401,
  "for another stream": 403,
  "for another action": 403,
} as const;
type State = keyof typeof STATES;

interface Kind {
  readonly name: string;
  readonly access: Access;
  /** The token of somebody in that state who wants to do that; absent: this kind has no such state. */
  readonly tokens: Partial<
    Record<State, (action: Way["action"]) => string | undefined | Promise<string>>
  >;
}

/** An action that lets nobody do `action`. */
const otherThan = (action: Way["action"]) => action === "metrics" ? "watch" : "metrics";

const EVERY_KIND = {
  wrong: () => "guess",
  absent: () => undefined,
  "too long": () => "x".repeat(8193),
};

function secrets(): Kind {
  const own = { publish: "secret-p", watch: "secret-w", admin: "secret-a", metrics: "secret-m" };
  return {
    name: "a secret",
    access: sharedSecrets(own),
    tokens: {
      ...EVERY_KIND,
      right: (action) => own[action],
      "for another action": (action) => own[otherThan(action)],
    },
  };
}

async function signed(): Promise<Kind> {
  const [key, other] = [await newKey(), await newKey()];
  const { kid } = JSON.parse(key);
  const make = async (claims: Record<string, unknown>, state: State, by = key) => {
    const expiresMs = state === "expired" ? -1000 : 3_600_000;
    const { token, tokenId } = await signToken(by, claims, { nowMs: Date.now(), expiresMs });
    return { token, tokenId };
  };
  const revoked = new Set<string>();
  const access = new SignedTokens(await readKeys(key, "check"), revoked);
  const of = (state: State, stream = "ca*") => async (action: Way["action"]) =>
    (await make({ [action]: [stream] }, state)).token;
  const foreign = JSON.stringify({ ...JSON.parse(other), kid });
  return {
    name: "a signed token",
    access,
    tokens: {
      ...EVERY_KIND,
      right: of("right"),
      expired: of("expired"),
      revoked: async (action) => {
        const { token, tokenId } = await make({ [action]: ["ca*"] }, "revoked");
        revoked.add(tokenId);
        return token;
      },
      "of another key": async (action) =>
        (await make({ [action]: ["ca*"] }, "right", foreign)).token,
      "for another stream": of("for another stream", "ca"),
      "for another action": (action) => of("right")(otherThan(action)),
    },
  };
}

/** Whoever decides: it knows tokens as `ACTION STREAM`. */
function decider(): { readonly url: string } & AsyncDisposable {
  return openHere(async (request) => {
    const { action, stream, token } = await request.json();
    if (token === null || !token.startsWith("may-")) return new Response(null, { status: 401 });
    const [, granted, on] = token.split("-");
    const isFor = granted === action || (action === "watch" && /publish|admin/.test(granted));
    return new Response(null, { status: isFor && (stream === null || stream === on) ? 200 : 403 });
  });
}

function elsewhere(url: string): Kind {
  return {
    name: "somebody else's token",
    access: new AskedElsewhere(url.replace("ws:", "http:"), { answerMs: 30_000 }),
    tokens: {
      ...EVERY_KIND,
      right: (action) => `may-${action}-cam`,
      "for another stream": (action) => `may-${action}-garage`,
      "for another action": (action) => `may-${otherThan(action)}-cam`,
    },
  };
}

/** The status of the answer to a request, of which nothing but the head is read. */
async function status(
  relay: Relay,
  { method, path }: Way,
  token: string | undefined,
  carrier: Carrier,
): Promise<number> {
  const { hostname, port } = new URL(relay.address);
  const isSocket = method === "BARE" || method === "SPEAKING";
  const query = carrier === "query" && token !== undefined
    ? `${path.includes("?") ? "&" : "?"}token=${encodeURIComponent(token)}`
    : "";
  const offers = [
    ...(method === "SPEAKING" ? ["stream.v1"] : []),
    ...(carrier === "subprotocol" && token !== undefined ? [`bearer.${token}`] : []),
  ];
  const lines = [
    `${isSocket ? "GET" : method} ${path}${query} HTTP/1.1`,
    `Host: ${hostname}:${port}`,
    ...(carrier === "header" && token !== undefined ? [`Authorization: Bearer ${token}`] : []),
    ...(isSocket
      ? [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      ]
      : ["Connection: close", "Content-Length: 0"]),
    ...(offers.length > 0 ? [`Sec-WebSocket-Protocol: ${offers.join(", ")}`] : []),
  ];
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
  const buffer = new Uint8Array(2048);
  const head = new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
  const [, found] = /^HTTP\/1\.1 (\d+)/.exec(head) ?? [];
  if (found === "101" && offers.length > 0) {
    // One of what was offered comes back, or browsers break off.
    assertEquals(/sec-websocket-protocol: (.*)\r/i.exec(head)?.[1], offers[0]);
  }
  return Number(found);
}

async function start(access: Access, workers: number): Promise<Relay> {
  const { listener: _, ...defaults } = DEFAULTS;
  return await serve({ ...defaults, workers, ...(workers > 1 ? { listener: "node" } : {}) }, {
    clock: systemClock,
    log: silentLog,
    signal: new AbortController().signal,
    access,
  });
}

/** Each row: what was tried, what was expected, what came. */
async function walk(kind: Kind, workers: number): Promise<void> {
  await using relay = await start(kind.access, workers);
  let rows = 0;
  const wrong: string[] = [];
  for (const way of WAYS) {
    for (const [state, token] of Object.entries(kind.tokens) as [State, Kind["tokens"][State]][]) {
      const value = await token!(way.action);
      for (const carrier of CARRIERS) {
        if (carrier === "subprotocol" && way.method !== "BARE" && way.method !== "SPEAKING") {
          continue;
        }
        const isRight = state === "right" ||
          (state === "for another stream" && way.isAboutAll === true);
        const expected = isRight ? way.passed : STATES[state];
        const seen = await status(relay, way, value, carrier);
        rows++;
        if (seen !== expected) {
          wrong.push(
            `${way.method} ${way.path} ${way.action}, ${state}, ${carrier}: ${seen}, not ${expected}`,
          );
        }
      }
    }
  }
  assertEquals(wrong, []);
  assertEquals(rows >= 16 * 5 * 2, true, `${rows} rows`);
}

/** With a hello, the action is known only then: who may connect for one of them may not do the other. */
async function walkHellos(kind: Kind, workers: number): Promise<void> {
  await using relay = await start(kind.access, workers);
  const url = relay.address.replace("http:", "ws:");
  for (
    const [role, granted, isIn] of [
      ["publish", "publish", true],
      ["watch", "watch", true],
      ["watch", "admin", true],
      ["watch", "publish", true],
      ["publish", "watch", false],
      ["publish", "admin", false],
    ] as const
  ) {
    const token = await kind.tokens.right!(granted);
    await using client = await Client.open(`${url}/cam`, ["stream.v1", `bearer.${token}`]);
    client.send(JSON.stringify({ type: "hello", version: 1, role, session: "one" }));
    if (isIn) await client.control("welcome");
    else assertEquals((await client.closed).code, 1008, `${role} with ${granted}`);
  }
}

for (const workers of Deno.build.os === "linux" ? [1, 2] : [1]) {
  const on = workers === 1 ? "one thread" : "two threads";
  for (const kind of ["secrets", "signed tokens", "somebody else"] as const) {
    Deno.test(`serve lets in who may and nobody else, by every way, on ${on}: ${kind}`, async () => {
      await using server = decider();
      const made = kind === "secrets"
        ? secrets()
        : kind === "signed tokens"
        ? await signed()
        : elsewhere(server.url);
      await walk(made, workers);
      await walkHellos(made, workers);
    });
  }
}
