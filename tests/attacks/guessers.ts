/**
 * Attacks on what lets people in: tokens that are none, and a service that decides and does not.
 *
 * @module
 */
import { CompactSign, generateKeyPair, importJWK, type JWK } from "jose";
import { type Arena, type Attack, tally } from "./attack.ts";
import { type Stranger, UPGRADE } from "./stranger.ts";

/** Of the witness, who may be there. */
const TOKEN = "a-secret-of-the-witness";
const KEYS_PATH = new URL("token_keys.json", import.meta.url).pathname;
/** Requests that are sent before an answer is waited for. */
const PIPELINED = 16;
/** Levels of a list in a list: as many as there is room for in a token. */
const DEEP = 2500;

const encoder = new TextEncoder();

function encoded(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return encoder.encode(text).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Claims that somebody careless has signed with a key that counts. */
const BAD_CLAIMS: readonly string[] = [
  ...['"tomorrow"', "NaN", "1e300", "-1", "null", "{}", '"\\u001b[2J"'].map((exp) =>
    `{"watch":"*","exp":${exp}}`
  ),
  '{"watch":"*","watch":false}',
  '{"__proto__":{"watch":"*"}}',
  `{"watch":${"[".repeat(DEEP)}${"]".repeat(DEEP)}}`,
  `{"watch":["${"*a".repeat(600)}b"]}`,
  `{"watch":"*","aud":"elsewhere"}`,
  '["watch"]',
  "",
];

/** Tokens that are none, each of another kind; and those whose signature has to be looked at to know. */
async function wrongTokens(): Promise<{
  readonly odd: readonly string[];
  readonly costly: readonly string[];
}> {
  const { keys } = JSON.parse(await Deno.readTextFile(KEYS_PATH)) as { keys: JWK[] };
  const claims = encoded({ publish: "*", admin: "*" });
  const bare = (header: unknown, signature = "") => `${encoded(header)}.${claims}.${signature}`;
  const sign = async (text: string, secret: CryptoKey | Uint8Array, header: { alg: string }) =>
    await new CompactSign(encoder.encode(text)).setProtectedHeader(header).sign(secret);
  const { privateKey: own, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = await crypto.subtle.exportKey("jwk", publicKey);
  const elsewhere = "http://127.0.0.1:1/keys.json";
  const [rsa, ec] = keys as [JWK, JWK];
  const careless = await importJWK(keys.at(-1)!, "HS256");
  const odd = [
    bare({ alg: "none" }),
    bare({ alg: "NONE", kid: rsa.kid }, "AA"),
    // A public key, which everybody has, taken for a secret.
    ...await Promise.all(
      [rsa.n!, ec.x! + ec.y!, JSON.stringify(rsa)].map((text) =>
        sign('{"admin":"*"}', encoder.encode(text.padEnd(32)), {
          alg: "HS256",
          ...{ kid: rsa.kid },
        })
      ),
    ),
    ...await Promise.all(
      [{ jku: elsewhere }, { x5u: elsewhere }, { jwk }, { kid: "other" }, { kid: ec.kid }].map(
        (header) => sign('{"admin":"*"}', own, { alg: "ES256", ...header }),
      ),
    ),
    bare({ alg: "ES256", kid: ec.kid, crit: ["exp"] }, "AA"),
    bare({ alg: "ES256", kid: ec.kid, crit: ["b64"], b64: false }, "AA"),
    bare({ alg: "ES256", kid: "k".repeat(5000) }, "AA"),
    bare({ alg: "ES256", kid: "\x1b[2J\r\nerror: pay\u202e" }, "AA"),
    bare({ alg: "ES256", kid: { toString: 1 } }, "AA"),
    bare(`{"alg":${"[".repeat(DEEP)}${"]".repeat(DEEP)}}`, "AA"),
    `${encoded({ alg: "dir", enc: "A256GCM", zip: "DEF" })}..AAAA.AAAA.AAAA`,
    ...["", ".", "..", "a.b.c", "....", "x".repeat(8192), "\u00ff"],
    ...await Promise.all(
      BAD_CLAIMS.map((text) => sign(text, careless, { alg: "HS256", ...{ kid: "careless" } })),
    ),
  ];
  const costly = keys.slice(0, 3).map(({ alg, kid }) =>
    bare({ alg, kid }, encoded("s".repeat(alg === "RS256" ? 504 : 56)))
  );
  return { odd, costly };
}

/** Somewhere that nobody has asked from yet. */
function address(): string {
  const [a, b, c] = crypto.getRandomValues(new Uint16Array(3));
  return a! % 2 === 0
    ? `2001:db8:${b!.toString(16)}:${c!.toString(16)}::1`
    : `11.${b! % 256}.${b! >> 8}.${c! % 256}`;
}

/** A request that brings `token`, in one of the ways in which it may come. */
function request(host: string, token: string, way: number): string {
  const lines = [`Host: ${host}`, `X-Forwarded-For: ${address()}`];
  const fit = token.replace(/[^\x21-\x7e]/g, "");
  if (way === 0) lines.push(`Authorization: Bearer ${fit}`);
  // Without the line that makes it one, so that the connection stays.
  if (way === 1) lines.push(`Sec-WebSocket-Protocol: stream.v1, bearer.${fit}`);
  const query = way === 2 ? `?token=${encodeURIComponent(token)}` : "";
  return `GET /api/streams${query} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
}

/** The statuses of as many answers, or of fewer where the connection ends. */
async function statusesOf(stranger: Stranger, count: number): Promise<string[]> {
  const statuses: string[] = [];
  let text = "";
  while (statuses.length < count) {
    const bytes = await stranger.read();
    if (bytes === undefined) break;
    text += String.fromCharCode(...bytes);
    const found = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)];
    statuses.push(...found.map(([, status]) => status!));
    text = text.slice(found.length === 0 ? -16 : found.at(-1)!.index + 13);
  }
  return statuses;
}

/** Strangers who send one wrong token after the other; those of one in four have to be looked at. */
async function guess(arena: Arena): Promise<string[]> {
  const { odd, costly } = await wrongTokens();
  let next = 0;
  // Another one each time, which nobody has seen before.
  const unseen = (number: number) =>
    costly[number % 3]!.slice(0, -8) + number.toString(36).padStart(8, "A");
  const statuses: string[] = [];
  const untilMs = performance.now() + arena.size.holdMs;
  const isOver = () => performance.now() >= untilMs || arena.signal.aborted;
  await arena.each(arena.pick(12, 80), async (index) => {
    while (!isOver()) {
      const stranger = await arena.stranger();
      for (let got = PIPELINED; got === PIPELINED && !isOver();) {
        const burst = Array.from({ length: PIPELINED }, () => {
          const number = next++;
          const token = index % 4 === 0 ? unseen(number) : odd[number % odd.length]!;
          return request(arena.host, token, number % 3);
        });
        if (!await stranger.write(burst.join(""))) break;
        const more = await arena.within(statusesOf(stranger, PIPELINED), [], 10_000);
        got = more.length;
        statuses.push(...more);
      }
      stranger.close();
    }
  });
  return statuses;
}

/** The status for a token of a megabyte, in each way. */
async function huge(arena: Arena): Promise<number[]> {
  const token = "x".repeat(1 << 20);
  return await arena.each(3, async (way) => {
    const stranger = await arena.stranger();
    const writing = stranger.write(request(arena.host, token, way));
    const status = await arena.within(stranger.status(), -1, 10_000);
    stranger.close();
    await writing;
    return status;
  });
}

/** Somebody who may be there, and comes meanwhile. */
async function honest(arena: Arena): Promise<number> {
  const stranger = await arena.stranger();
  const path = `/witness?role=watch&token=${TOKEN}`;
  return await arena.within(stranger.upgrade(path, { upgrade: UPGRADE }), -1, 10_000);
}

const UNDECIDED = /^\d+ × 403; honest: 2 × 101; elsewhere: 0; few connections$/;
const REFUSED = /^(?:\d+ × (?:401|403|429|400)(?:, )?)+; huge: 3 × (?:431|414|0); honest: 101$/;

/** Most connections that the service may have: two for each that may be asked on at a time. */
const MAX_ASKED = 256;
/** How the service behaves that should decide, in turn. */
const MOODS: readonly ((service: Service, connection: Deno.Conn) => Promise<void>)[] = [
  // It never answers.
  async () => {},
  // It answers just before it is too late.
  async (service, connection) => {
    await service.pause(950);
    await connection.write(encoder.encode("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"));
  },
  // It never ends, neither in its header nor in its body.
  async (service, connection) =>
    await service.endless(connection, "HTTP/1.1 200 OK\r\n", "X: x\r\n"),
  async (service, connection) =>
    await service.endless(
      connection,
      "HTTP/1.1 403 No\r\nContent-Length: 100000000\r\n\r\n",
      "x".repeat(65_536),
    ),
  // It sends elsewhere: to itself, by another method.
  async (service, connection) => {
    const to = `Location: http://${service.host}/elsewhere`;
    await connection.write(
      encoder.encode(`HTTP/1.1 302 Found\r\n${to}\r\nContent-Length: 0\r\n\r\n`),
    );
  },
  // It says what no service would.
  async (_, connection) =>
    void await connection.write(encoder.encode("HTTP/1.1 \x00 \x1b[2J\r\n\r\n")),
];

/** Whoever should decide (`--auth-url`), and does everything but that. */
class Service implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Deno.Conn>();
  readonly #pauses = new Map<ReturnType<typeof setTimeout>, () => void>();
  #isOver = false;
  /** Most connections at a time. */
  most = 0;
  /** Requests to where it has sent somebody. */
  elsewhere = 0;

  get host(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  /** Takes in whoever comes. */
  async run(): Promise<void> {
    let next = 0;
    const served: Promise<void>[] = [];
    try {
      for await (const connection of this.#listener) served.push(this.#serve(connection, next++));
    } catch {
      // It is over.
    }
    await Promise.all(served);
  }

  async pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#pauses.delete(timer);
        resolve();
      }, ms);
      this.#pauses.set(timer, resolve);
    });
  }

  /** Says `begin`, and then `part` again and again. */
  async endless(connection: Deno.Conn, begin: string, part: string): Promise<void> {
    await connection.write(encoder.encode(begin));
    const bytes = encoder.encode(part);
    while (!this.#isOver) {
      await connection.write(bytes);
      await this.pause(1);
    }
  }

  [Symbol.dispose](): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
    for (const [timer, resolve] of this.#pauses) {
      clearTimeout(timer);
      resolve();
    }
  }

  async #serve(connection: Deno.Conn, number: number): Promise<void> {
    this.#connections.add(connection);
    this.most = Math.max(this.most, this.#connections.size);
    const bytes = new Uint8Array(16_384);
    try {
      for (let turn = number;; turn++) {
        const count = await connection.read(bytes);
        if (count === null) break;
        if (new TextDecoder().decode(bytes.subarray(0, count)).includes(" /elsewhere ")) {
          this.elsewhere++;
        }
        await MOODS[turn % MOODS.length]!(this, connection);
      }
    } catch {
      // The relay has broken it off, or it is over.
    }
    this.#connections.delete(connection);
    try {
      connection.close();
    } catch {
      // Closed already.
    }
  }
}

let service: Service | undefined;

/** Attacks on what lets people in. */
export const GUESSERS: readonly Attack[] = [
  {
    name: "wrong-tokens",
    what: "wrong tokens of every kind, as many as they can, from addresses without end",
    token: TOKEN,
    serve: () => [
      ...["--publish-token", TOKEN, "--token-key", KEYS_PATH, "--trusted-proxy", "127.0.0.1"],
    ],
    ends: { node: REFUSED },
    onDeno: "as `texts`",
    async run(arena) {
      const guessing = guess(arena);
      const [sizes, status] = await Promise.all([huge(arena), honest(arena)]);
      return `${tally(await guessing)}; huge: ${tally(sizes)}; honest: ${status}`;
    },
  },
  {
    name: "bad-decider",
    what: "1,000 asks at once, and a service (--auth-url) that stalls, never ends, sends elsewhere",
    token: TOKEN,
    serve: () => {
      service = new Service();
      return ["--publish-token", TOKEN, "--auth-url", `http://${service.host}/may`];
    },
    ends: { node: UNDECIDED, deno: UNDECIDED },
    async run(arena) {
      const asked = arena.keep(service!);
      const running = asked.run();
      const statuses: number[] = [];
      const asking = arena.each(arena.pick(200, 1000), async (index) => {
        const stranger = await arena.stranger();
        await stranger.ask(`/api/streams/none-${index}?token=guess-${index}`);
        statuses.push(await arena.within(stranger.status(), -1, 20_000));
        stranger.close();
      }, 1000);
      const others = await arena.within(Promise.all([honest(arena), honest(arena)]), [0], 20_000);
      await asking;
      asked[Symbol.dispose]();
      await running;
      return `${tally(statuses)}; honest: ${tally(others)}; elsewhere: ${asked.elsewhere}; ` +
        (asked.most <= MAX_ASKED ? "few connections" : `${asked.most} connections`);
    },
  },
];
