/**
 * Pages for browsers, and the files that they load.
 *
 * @module
 */
import { text } from "./answer.ts";
import { type Asset, ASSETS } from "./assets.ts";

/** What a page may load and do: nothing but what comes from this server. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join("; ");

const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

/** Whether a request comes from something that shows pages; curl and its like get text. */
export function wantsPage(request: Request): boolean {
  return request.headers.get("accept")?.toLowerCase().includes("text/html") === true;
}

/** Answers with a file of the table; a browser that has it already is told so. */
export async function asset(request: Request, name: string): Promise<Response> {
  const found = ASSETS.get(name);
  if (found === undefined) return text(404, `Cannot find /assets/${name}: no such file\n`);
  return await answer(request, found);
}

/** Answers that an address leads nowhere, in a sentence that may hold what the request said. */
export async function notFoundPage(request: Request, sentence: string): Promise<Response> {
  const content = `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Not found</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/assets/style.css">
  </head>
  <body>
    <p>${escaped(sentence)}</p>
    <p><a href="/">All streams</a></p>
  </body>
</html>
`;
  return await answer(request, { content, type: "text/html; charset=utf-8" }, 404);
}

async function answer(request: Request, { content, type }: Asset, status = 200): Promise<Response> {
  const bytes = new TextEncoder().encode(content);
  const tag = `"${hex(await crypto.subtle.digest("SHA-256", bytes)).slice(0, 32)}"`;
  const headers = {
    ...HEADERS,
    "cache-control": "no-cache",
    // The same address answers with text where no page is wanted.
    vary: "accept",
    etag: tag,
  };
  if (status === 200 && (request.headers.get("if-none-match") ?? "").includes(tag)) {
    return new Response(null, { status: 304, headers });
  }
  return new Response(bytes, { status, headers: { ...headers, "content-type": type } });
}

function hex(digest: ArrayBuffer): string {
  return new Uint8Array(digest).toHex();
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
