/**
 * Who may do what, as it is said on the command line.
 *
 * @module
 */
import { messageOf, StreamError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Log } from "../host/log.ts";
import {
  type Access,
  anyOf,
  AskedElsewhere,
  isLoopback,
  openFor,
  openTokenFiles,
  sharedSecrets,
} from "../server/mod.ts";
import { type Flag, toggle, usage, type Values } from "./command.ts";
import { text } from "./value.ts";

/** Longest secret, in characters: the relay looks at none that is longer. */
const MAX_SECRET_LENGTH = 8192;

/** An address of HTTP. What is wrong with it is said without it: it may have a password in it. */
function httpUrl(value: string): string {
  const url = URL.parse(value);
  if (
    url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === ""
  ) {
    return url.href;
  }
  throw new Error("an address such as http://127.0.0.1:9000/may, without a password");
}

function secret(who: string): Flag<string> {
  return { value: "TOKEN", help: `secret of who may ${who}; @FILE: what is in it`, read: text };
}

/** Whether everybody may do everything. */
export const OPEN_FLAGS = {
  open: toggle("everybody who reaches it may do everything; beside tokens: may watch"),
} as const;

/** Who may do what. */
export const ACCESS_FLAGS = {
  ...OPEN_FLAGS,
  "publish-token": secret("publish, and watch"),
  "watch-token": secret("watch"),
  "admin-token": secret("change streams, list viewers, and watch"),
  "metrics-token": secret("read the metrics"),
  "token-key": {
    value: "FILE",
    help: "keys that sign tokens: a JWK, a JWKS, or a raw secret; read again when it changes",
    read: text,
  },
  "auth-url": {
    value: "URL",
    help: "asked by POST who may do what, where nothing else lets somebody in; 2xx allows",
    read: httpUrl,
  },
  revoked: {
    value: "FILE",
    help: "ids of tokens (jti) and of keys (kid) that count no longer, one a line",
    read: text,
  },
} as const;

const SECRETS = ["publish-token", "watch-token", "admin-token", "metrics-token"] as const;

/**
 * Sees to it that nobody is let in by oversight.
 *
 * @throws {StreamError} (`usage`) where a relay would be open to more than this machine and nobody said so
 */
export function demandChoice(
  command: { readonly name: string },
  host: string,
  access: Access | undefined,
  isOpen: boolean,
): void {
  if (access !== undefined || isOpen || isLoopback(host)) return;
  const ways = command.name === "demo" ? "" : "say who may (--publish-token, --token-key, …), or ";
  throw usage(
    command,
    `--host ${host} lets everybody who reaches it publish, watch and govern: ${ways}permit it with --open`,
  );
}

/** Who may do what, as the flags say it. */
export async function accessOf(
  command: { readonly name: string },
  flags: Values<typeof ACCESS_FLAGS>,
  { log, host }: { readonly log: Log; readonly host: Pick<Host, "onHangup"> },
): Promise<ChosenAccess> {
  const { "token-key": keys, revoked, "auth-url": authUrl } = flags;
  if (revoked !== undefined && keys === undefined) {
    throw usage(command, "--revoked is about tokens that --token-key lets in; give that, too");
  }
  const secrets = await secretsOf(command, flags);
  const tokens = keys === undefined ? undefined : await openTokenFiles({ keys, revoked }, log);
  if (tokens !== undefined) host.onHangup?.(() => tokens.reload());
  const ways: Access[] = [
    ...(secrets === undefined ? [] : [secrets]),
    ...(tokens === undefined ? [] : [tokens.access]),
    ...(authUrl === undefined ? [] : [new AskedElsewhere(authUrl)]),
  ];
  return {
    access: ways.length === 0
      ? undefined
      : anyOf(flags.open ? [openFor(["watch"]), ...ways] : ways),
    [Symbol.dispose]: () => tokens?.[Symbol.dispose](),
  };
}

/** Who may do what, and what that needs until it is disposed of. */
export interface ChosenAccess extends Disposable {
  /** Absent: nobody has said it. */
  readonly access: Access | undefined;
}

async function secretsOf(
  command: { readonly name: string },
  flags: Values<typeof ACCESS_FLAGS>,
): Promise<Access | undefined> {
  if (SECRETS.every((name) => flags[name] === undefined)) return undefined;
  const [publish, watch, admin, metrics] = await Promise.all(
    SECRETS.map((name) => readSecret(command, name, flags[name])),
  );
  return sharedSecrets({ publish, watch, admin, metrics });
}

async function readSecret(
  command: { readonly name: string },
  name: string,
  written: string | undefined,
): Promise<string | undefined> {
  if (written === undefined) return undefined;
  const value = written.startsWith("@") ? await firstLine(name, written.slice(1)) : written;
  // What is wrong is said without the secret.
  if (value === "") throw usage(command, `--${name} is empty`);
  if (value.length > MAX_SECRET_LENGTH) {
    throw usage(command, `--${name} has more than ${MAX_SECRET_LENGTH} characters`);
  }
  if (!/^[!-~]+$/.test(value)) {
    throw usage(
      command,
      `--${name} has characters that no request can carry; use letters and digits`,
    );
  }
  return value;
}

async function firstLine(name: string, path: string): Promise<string> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (cause) {
    throw new StreamError("usage", `Cannot read --${name}: ${messageOf(cause)}`, { cause });
  }
}
