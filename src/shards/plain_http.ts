/**
 * Requests and answers on their way from one thread to another.
 *
 * @module
 */
import type { PlainRequest, PlainResponse } from "./shard_message.ts";

/** Takes a request apart, with at most `maxBytes` and one byte of its body. */
export async function plainRequest(request: Request, maxBytes: number): Promise<PlainRequest> {
  return {
    method: request.method,
    url: request.url,
    headers: [...request.headers],
    body: request.body === null ? null : await firstBytes(request.body, maxBytes + 1),
  };
}

/** Puts a request together. */
export function requestOf({ method, url, headers, body }: PlainRequest): Request {
  return new Request(url, { method, headers, body });
}

/** Takes an answer apart. */
export async function plainResponse(response: Response): Promise<PlainResponse> {
  return {
    status: response.status,
    headers: [...response.headers],
    body: response.body === null ? null : await response.bytes(),
  };
}

/** Puts an answer together. */
export function responseOf({ status, headers, body }: PlainResponse): Response {
  return new Response(body, { status, headers });
}

async function firstBytes(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  count: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(count);
  let length = 0;
  for await (const chunk of body) {
    const part = chunk.subarray(0, count - length);
    bytes.set(part, length);
    length += part.length;
    if (length === count) break;
  }
  return bytes.slice(0, length);
}
