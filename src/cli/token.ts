/**
 * What `stream token` does.
 *
 * @module
 */
import { messageOf, StreamError } from "../errors.ts";
import { newKey, type PatternClaims, signToken } from "../server/mod.ts";
import { type InputOf, usage } from "./command.ts";
import { tokenCommand } from "./token_command.ts";

/** Does the work; what fails is thrown. */
export async function run(
  { flags, host, log }: InputOf<typeof tokenCommand>,
): Promise<void> {
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
}

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
