/**
 * Certificates, and those who connect by TLS.
 *
 * @module
 */
import { request } from "node:https";
import { connect, type TLSSocket } from "node:tls";
import type { Certificate, CertificateFiles } from "../../src/listen/certificate.ts";
import { selfSigned, type SelfSignedOptions } from "../../src/listen/self_signed.ts";
import { soon } from "../waiting.ts";

const HOUR_MS = 3_600_000;

/** A certificate for this machine, from an hour ago for a day. */
export async function certificate(
  options: Partial<SelfSignedOptions> = {},
): Promise<Certificate> {
  return await selfSigned({
    names: ["localhost", "127.0.0.1", "::1"],
    fromMs: Date.now() - HOUR_MS,
    untilMs: Date.now() + 24 * HOUR_MS,
    ...options,
  });
}

/** A folder with a certificate in it, which can be replaced. */
export class CertificateFolder implements CertificateFiles, AsyncDisposable {
  readonly folder: string;
  readonly certFile: string;
  readonly keyFile: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.certFile = `${folder}/cert.pem`;
    this.keyFile = `${folder}/key.pem`;
  }

  static async make(of?: Certificate): Promise<CertificateFolder> {
    const made = new CertificateFolder(await Deno.makeTempDir());
    await made.put(of ?? await certificate());
    return made;
  }

  async put({ cert, key }: Certificate): Promise<void> {
    await Deno.writeTextFile(this.certFile, cert);
    await Deno.writeTextFile(this.keyFile, key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** An answer by HTTPS, from whoever has `ca`. */
export async function get(
  url: string,
  ca: string,
  headers: Record<string, string> = {},
): Promise<{ readonly status: number; readonly text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const asking = request(url, { ca: [ca], agent: false, headers }, (answer) => {
    let text = "";
    answer.setEncoding("utf8");
    answer.on("data", (part: string) => text += part);
    answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
    answer.on("error", reject);
  });
  asking.on("error", reject);
  asking.end();
  return await soon(`an answer of ${url}`, promise);
}

/** A connection by TLS, trusting `ca`; who shows something else is an error. */
export async function shakeHands(port: number, ca: string): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const socket: TLSSocket = connect({ port, host: "127.0.0.1", ca: [ca] }, () => resolve(socket));
  socket.on("error", reject);
  return await soon("a handshake", promise);
}
