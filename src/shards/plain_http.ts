/**
 * Requests and answers on their way from one thread to another.
 *
 * @module
 */
import type { Asked } from "../http/route.ts";
import type { PlainQuestion, PlainResponse } from "./shard_message.ts";

/** Takes a request apart, with at most `maxBytes` and one byte of its body. */
export async function plainQuestion(
  route: number,
  { request, base, asker, ids = {}, name, id }: Asked,
  maxBytes: number,
): Promise<PlainQuestion> {
  const { method, url, headers, body } = request;
  return {
    route,
    base,
    asker,
    ids,
    name,
    id,
    method,
    url,
    headers: [...headers],
    body: body === null ? null : await firstBytes(body, maxBytes + 1),
  };
}

/** Puts a request together. */
export function askedOf({ base, asker, ids = {}, name, id, url, ...init }: PlainQuestion): Asked {
  const { method, headers, body } = init;
  return {
    request: new Request(url, { method, headers, body }),
    url: new URL(url),
    base,
    asker,
    ids,
    name,
    id,
    // All of it has come.
    takeTime: () => {},
  };
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
