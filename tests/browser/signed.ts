/**
 * A relay that takes signed tokens only, with a stream in it.
 *
 * @module
 */
import { SignedTokens } from "../../src/access/signed_tokens.ts";
import { readKeys } from "../../src/access/token_keys.ts";
import { newKey, signToken } from "../../src/access/token_maker.ts";
import { systemClock } from "../../src/host/clock.ts";
import type { Log } from "../../src/host/log.ts";
import { encodeJpeg } from "../../src/picture/jpeg.ts";
import { type Relay, serve, type ServeOptions } from "../../src/server/serve.ts";
import { Client, DEFAULTS } from "../server/fixture.ts";

/** The stream's name. */
export const STREAM = "cam";
/** Who may watch it, and nothing else. */
const WATCH = { watch: [STREAM] };

/** Sends pictures by each of them. */
function sending(clients: readonly Client[]): ReturnType<typeof setInterval> {
  const data = new Uint8Array(64 * 48 * 3).fill(90);
  const frame = encodeJpeg({ data, width: 64, height: 48, channels: 3 });
  return setInterval(() => {
    for (const client of clients) client.send(frame.slice());
  }, 100);
}

/** The relay. Its stream is JPEG of 64 × 48 pixels, ten times a second. */
export class SignedRelay implements AsyncDisposable {
  /** As `http://127.0.0.1:8080`. */
  readonly http: string;
  /** What it has logged. */
  readonly logged: string[];
  readonly #relay: Relay;
  readonly #access: SignedTokens;
  readonly #key: string;
  readonly #publisher: Client;
  readonly #timer: ReturnType<typeof setInterval>;

  private constructor(
    given: { relay: Relay; access: SignedTokens; key: string; publisher: Client; logged: string[] },
  ) {
    this.#relay = given.relay;
    this.#access = given.access;
    this.#key = given.key;
    this.#publisher = given.publisher;
    this.logged = given.logged;
    this.http = given.relay.address;
    this.#timer = sending([this.#publisher]);
  }

  static async start(options: Partial<ServeOptions> = {}): Promise<SignedRelay> {
    const key = await newKey();
    const access = new SignedTokens(await readKeys(key, "check"));
    const logged: string[] = [];
    const note = (message: string, fields?: unknown) =>
      void logged.push(`${message} ${JSON.stringify(fields)}`);
    const log: Log = { info: note, warn: note, error: note, progress: note };
    const relay = await serve({ ...DEFAULTS, workers: 1, ...options }, {
      clock: systemClock,
      log,
      signal: new AbortController().signal,
      access,
    });
    const { token } = await signToken(key, { publish: [STREAM] }, { nowMs: Date.now() });
    const socket = relay.address.replace("http:", "ws:");
    const publisher = await Client.open(`${socket}/${STREAM}?role=publish`, [`bearer.${token}`]);
    return new SignedRelay({ relay, access, key, publisher, logged });
  }

  /** A token to watch with, which holds for so many seconds, or until it is revoked. */
  async token(
    seconds?: number,
    claims: { watch?: string[]; metrics?: string[] } = WATCH,
  ): Promise<{ token: string; tokenId: string }> {
    const times = { nowMs: Date.now(), ...(seconds && { expiresMs: seconds * 1000 }) };
    return await signToken(this.#key, claims, times);
  }

  /** Revokes a token. */
  revoke(tokenId: string): void {
    this.#access.setRevoked(new Set([tokenId]));
  }

  /** Publishes to other streams as well. */
  async publishTo(names: readonly string[]): Promise<AsyncDisposable> {
    const { token } = await signToken(this.#key, { publish: [...names] }, { nowMs: Date.now() });
    const socket = this.http.replace("http:", "ws:");
    const clients = await Promise.all(
      names.map((name) => Client.open(`${socket}/${name}?role=publish`, [`bearer.${token}`])),
    );
    const timer = sending(clients);
    return {
      [Symbol.asyncDispose]: async () => {
        clearInterval(timer);
        await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
      },
    };
  }

  /** How many watch its stream. */
  async viewers(): Promise<number> {
    const { token } = await this.token(60);
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${this.http}/api/streams/${STREAM}`, { headers });
    return (await response.json()).viewers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#publisher[Symbol.asyncDispose]();
    await this.#relay[Symbol.asyncDispose]();
  }
}
