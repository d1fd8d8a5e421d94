/**
 * `stream token`.
 *
 * @module
 */
import { messageOf, StreamError } from "../errors.ts";
import { newKey, type PatternClaims, signToken } from "../server/mod.ts";
import { command, type Flag, usage } from "./command.ts";
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
  async run({ flags, host, log }) {
    const { key, "new-key": newPath, expires, publish, watch, admin, metrics } = flags;
    if (newPath !== undefined) {
      if (key !== undefined) throw usage(tokenCommand, "--key and --new-key exclude each other");
      await writeNew(newPath, await newKey());
      log.info(`made ${newPath}; serve --token-key ${newPath} takes what it signs`);
      return;
    }
    if (key === undefined) throw usage(tokenCommand, "it needs --key FILE, or --new-key FILE");
    const claims: PatternClaims = { publish, watch, admin, metrics };
    if (Object.values(claims).every((each) => each === undefined)) {
      throw usage(
        tokenCommand,
        "the token would be for nothing; give --publish, --watch, --admin or --metrics",
      );
    }
    const nowMs = host.clock.wallUs() / 1000;
    const { token, tokenId } = await signed(key, claims, {
      nowMs,
      ...(expires === undefined ? {} : { expiresMs: expires }),
    });
    await host.writeStdout(new TextEncoder().encode(`${token}\n`));
    log.info(`its id, for --revoked, is ${tokenId}`, { jti: tokenId });
  },
});

async function signed(
  path: string,
  claims: PatternClaims,
  times: { readonly nowMs: number; readonly expiresMs?: number },
): ReturnType<typeof signToken> {
  try {
    return await signToken(await Deno.readTextFile(path), claims, times);
  } catch (cause) {
    throw new StreamError("usage", `Cannot sign with ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** Writes a file that only its owner may read, and that is not there yet. */
async function writeNew(path: string, content: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, content, { createNew: true, mode: 0o600 });
  } catch (cause) {
    const why = cause instanceof Deno.errors.AlreadyExists
      ? "it is there already, and keys are not overwritten"
      : messageOf(cause);
    throw new StreamError("usage", `Cannot write ${path}: ${why}`, { cause });
  }
}
