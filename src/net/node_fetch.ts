/**
 * Questions by HTTPS, with the trust of one's own choice that `fetch` does not give.
 *
 * @module
 */
import { request } from "node:https";
import { Readable } from "node:stream";
import { certificateFault } from "./certificate_fault.ts";
import type { Pass } from "./pass.ts";

/** What is asked. */
export interface NodeFetchInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/**
 * Asks; redirects are not followed.
 *
 * @throws {Error} where nobody answers; where it is for the server's TLS, its message says so as a clause
 * and its name is `CertificateError`
 */
export async function nodeFetch(
  url: string,
  { method = "GET", headers = {}, body, signal }: NodeFetchInit,
  { ca }: Pass,
): Promise<Response> {
  const answer = Promise.withResolvers<Response>();
  const asking = request(url, {
    method,
    headers,
    signal,
    agent: false,
    ...(ca === undefined ? {} : { ca: [...ca] }),
  }, (incoming) => {
    const { statusCode = 500 } = incoming;
    const isEmpty = statusCode === 204 || statusCode === 304;
    const stream = Readable.toWeb(incoming) as ReadableStream<Uint8Array<ArrayBuffer>>;
    answer.resolve(new Response(isEmpty ? null : stream, { status: statusCode }));
  });
  asking.on("error", (error: Error) => answer.reject(error));
  asking.end(body);
  try {
    return await answer.promise;
  } catch (cause) {
    const fault = signal.aborted ? undefined : await certificateFault(url, cause);
    if (fault === undefined) throw cause;
    throw Object.assign(new Error(fault, { cause }), { name: "CertificateError" });
  }
}
