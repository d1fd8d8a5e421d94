/**
 * Who may do what, as it is said on the command line.
 *
 * @module
 */
import type { Host } from "../host/host.ts";
import type { Log } from "../host/log.ts";
import {
  type Access,
  anyOf,
  AskedElsewhere,
  type FiledSecrets,
  isLoopback,
  openSecretFiles,
  openTokenFiles,
  secretFault,
  type SecretFile,
  type Secrets,
} from "../server/mod.ts";
import type { ACCESS_FLAGS } from "./access_flags.ts";
import { usage, type Values } from "./command.ts";

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
  const secrets = await secretsOf(command, flags, log);
  const tokens = keys === undefined ? undefined : await openTokenFiles({ keys, revoked }, log);
  const watched = [secrets, tokens].filter((each) => each !== undefined);
  host.onHangup?.(() => watched.forEach((each) => each.reload()));
  const ways: Access[] = [
    ...watched.map(({ access }) => access),
    ...(authUrl === undefined ? [] : [new AskedElsewhere(authUrl)]),
  ];
  return {
    access: ways.length === 0 ? undefined : anyOf(ways),
    [Symbol.dispose]: () => watched.forEach((each) => each[Symbol.dispose]()),
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
  log: Log,
): Promise<FiledSecrets | undefined> {
  const secrets: Partial<Record<keyof Secrets, string>> = {};
  const files: SecretFile[] = [];
  for (const action of ["publish", "watch", "admin", "metrics"] as const) {
    const option = `--${action}-token`;
    const written = flags[`${action}-token`];
    if (written === undefined) continue;
    if (written.startsWith("@")) {
      files.push({ action, path: written.slice(1), label: `${option} ${written}` });
      continue;
    }
    // What is wrong is said without the secret.
    const fault = secretFault(written);
    if (fault !== undefined) throw usage(command, `${option} ${fault}`);
    secrets[action] = written;
  }
  if (files.length === 0 && Object.keys(secrets).length === 0) return undefined;
  return await openSecretFiles(files, secrets, log);
}
