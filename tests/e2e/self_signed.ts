/**
 * Relays with a certificate of their own.
 *
 * @module
 */
import type { Folder } from "../cli/folder.ts";
import { type Running, start } from "../program.ts";

/** A relay that has said how it is trusted. */
export interface SelfSigned extends AsyncDisposable {
  readonly relay: Running;
  readonly port: string;
  readonly certFile: string;
  readonly fingerprint: string;
}

/** Runs `stream serve --tls self-signed`, which keeps its certificate in `folder`. */
export async function serveIn(
  { path }: Folder,
  ...args: string[]
): Promise<SelfSigned> {
  const relay = start(["serve", "--port", "0", "--tls", "self-signed", ...args], {
    env: { XDG_STATE_HOME: path },
  });
  const [, port] = await relay.said(/listening on https:\/\/\S+:(\d+) /);
  const [, certFile, fingerprint] = await relay.said(
    /--ca (\S+) \(until 20\d\d-\d\d-\d\d\); its SHA-256 fingerprint is ([0-9A-F:]{95})\n/,
  );
  return {
    relay,
    port: port!,
    certFile: certFile!,
    fingerprint: fingerprint!,
    [Symbol.asyncDispose]: () => relay[Symbol.asyncDispose](),
  };
}
