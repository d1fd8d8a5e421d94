/**
 * What `stream token` is called with, and says of itself.
 *
 * @module
 */
import { command, type Flag } from "./command.ts";
import { duration, text } from "./value.ts";

/** Longest time for which a token holds: ten years, in milliseconds. */
const MAX_EXPIRES_MS = 10 * 365 * 24 * 3_600_000;

function patterns(help: string): Flag<readonly string[]> & { readonly isList: true } {
  return { value: "PATTERNS", help, read: (value) => text(value).split(","), isList: true };
}

/** The command. */
export const tokenCommand = command({
  name: "token",
  needs: ["read", "write"],
  summary: "make a token, or a key that signs tokens",
  operands: [],
  flags: {
    key: { value: "FILE", help: "key that signs it: a JWK, a JWKS, or a raw secret", read: text },
    publish: patterns("streams that it is for to publish, and watch, as cam-*,…"),
    watch: patterns("streams that it is for to watch"),
    admin: patterns("streams that it is for to govern, and watch"),
    metrics: patterns("streams whose metrics it is for"),
    expires: {
      value: "TIME",
      help: "how long it holds (default: until it is revoked)",
      read: duration(1000, MAX_EXPIRES_MS),
    },
    "new-key": {
      value: "FILE",
      help: "makes a key instead, in a file that is not there",
      read: text,
    },
  },
  examples: [
    ["stream token --new-key key.json", "makes a key, which only you can read"],
    [
      "stream token --key key.json --publish 'cam-*' --watch '*' --expires 12h",
      "prints a token for whoever has cameras",
    ],
  ],
});
