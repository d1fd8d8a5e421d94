/**
 * Options of who may do what.
 *
 * @module
 */
import { type Flag, toggle } from "./command.ts";
import { text } from "./value.ts";

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
  return {
    value: "VALUE|@FILE",
    help: `secret of who may ${who}; @FILE: in a file, read again when it changes`,
    read: text,
  };
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
