/**
 * By what a relay speaks TLS, as it is said on the command line.
 *
 * @module
 */
import { StreamError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Log } from "../host/log.ts";
import { machineAddresses } from "../host/machine_addresses.ts";
import { machineNames } from "../host/machine_name.ts";
import { STATE_VARIABLES, stateFolder } from "../host/state_folder.ts";
import { type CertificateFiles, certifiedNames, type Keeper, openKeeper } from "../server/mod.ts";
import { usage, type Values } from "./command.ts";
import { SELF_SIGNED, type TLS_FLAGS } from "./tls_flags.ts";

/** By what TLS is spoken, and what keeps that until it is disposed of. */
export interface ChosenTls extends Disposable {
  /** Absent: there is to be no TLS. */
  readonly files: CertificateFiles | undefined;
}

/**
 * The certificate that the flags name, or have made.
 *
 * @throws {StreamError} (`usage`) where they exclude each other, or it cannot be made
 */
export async function tlsOf(
  command: { readonly name: string },
  flags: Values<typeof TLS_FLAGS>,
  at: ListensAt,
): Promise<ChosenTls> {
  const files = filesOf(command, flags);
  if (flags.tls === undefined) return { files, [Symbol.dispose]: () => {} };
  if (files !== undefined) throw usage(command, "--tls and --tls-cert exclude each other");
  return await selfSigned(at);
}

/** A relay, as far as its certificate is concerned. */
export interface ListensAt {
  /** Its address. */
  readonly address: string;
  /** Other names by which it is reached. */
  readonly hostNames: readonly string[];
  readonly host: Host;
  readonly log: Log;
}

/** Relays of one machine have one certificate, and each machine that shares the folder has its own. */
async function selfSigned({ address, hostNames, host, log }: ListensAt): Promise<Keeper> {
  const state = ownFolder(host);
  const names = certifiedNames({
    machineNames: machineNames(),
    machineAddresses: machineAddresses(),
    host: address,
    hostNames,
  });
  // Who is also called otherwise would have it made anew for each of the others, and they for him.
  const others = names.extra.length === 0 ? "" : `+${await digest(names.extra)}`;
  return await openKeeper({
    folder: `${state}/${SELF_SIGNED}/${names.all[0]}${others}`,
    names,
    log,
    wallMs: () => host.clock.wallUs() / 1000,
  });
}

function ownFolder(host: Host): string {
  let why = "neither XDG_STATE_HOME nor HOME names a folder for it";
  try {
    const folder = stateFolder((name) => host.env(name), Deno.build.os);
    if (folder !== undefined) return folder;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    why = `the program is not allowed to read ${STATE_VARIABLES.join(", ")}`;
  }
  throw new StreamError(
    "usage",
    `Cannot keep a certificate: ${why}; set XDG_STATE_HOME to a folder that stays, or give ` +
      "--tls-cert and --tls-key",
  );
}

/** What stands for some names. */
async function digest(names: readonly string[]): Promise<string> {
  const bytes = new TextEncoder().encode([...names].sort().join());
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, 8);
}

/** Where the certificate is that the flags name. */
function filesOf(
  command: { readonly name: string },
  flags: Values<typeof TLS_FLAGS>,
): CertificateFiles | undefined {
  const { "tls-cert": certFile, "tls-key": keyFile } = flags;
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined) throw usage(command, "--tls-key needs --tls-cert");
  if (keyFile === undefined) throw usage(command, "--tls-cert needs --tls-key");
  return { certFile, keyFile };
}
