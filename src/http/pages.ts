/**
 * Pages for browsers, and the files that they load.
 *
 * @module
 */
// @ts-types="../../types/std_html.d.ts"
import { escape } from "@std/html/entities";
// @ts-types="../../types/std_http_etag.d.ts"
import { ifNoneMatch } from "@std/http/etag";
import { type ServedAsset, servedAsset } from "./asset.ts";
import { ASSETS } from "./assets.ts";
import { text } from "./responses.ts";

/** What a page may load and do: nothing but what comes from this server. */
const CONTENT_SECURITY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "media-src blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
];

const HEADERS: Readonly<Record<string, string>> = {
  "referrer-policy": "no-referrer",
};

/** Whether a request comes from something that shows pages; curl and its like get text. */
export function wantsPage(request: Request): boolean {
  return request.headers.get("accept")?.toLowerCase().includes("text/html") === true;
}

/**
 * Answers with a file of the table; a browser that has it already is told so. Pages of `framedBy` may
 * frame it (Content Security Policy Level 3, frame-ancestors).
 */
export async function asset(
  request: Request,
  name: string,
  framedBy: readonly string[] = [],
): Promise<Response> {
  const found = ASSETS.get(name);
  if (found === undefined) return text(404, `Cannot find /assets/${name}: no such file\n`);
  return answer(request, await found.served(), { type: found.type, framedBy });
}

/** Answers that an address leads nowhere, in a sentence that may hold what the request said. */
export async function notFoundPage(
  request: Request,
  sentence: string,
  { framedBy, base }: { readonly framedBy: readonly string[]; readonly base: string },
): Promise<Response> {
  // A proxy may have taken off a path, of which only the browser knows.
  const path = new URL(request.url).pathname.slice(base.length);
  const root = "../".repeat(path.split("/").length - 2) || "./";
  const content = `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Not found</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="${root}assets/player/style.css">
  </head>
  <body>
    <p>${escape(sentence)}</p>
    <p><a href="${root}">All streams</a></p>
  </body>
</html>
`;
  return answer(request, await servedAsset(content), {
    type: "text/html; charset=utf-8",
    status: 404,
    framedBy,
  });
}

interface AnswerOptions {
  /** Media type. */
  readonly type: string;
  /** @default {200} */
  readonly status?: number;
  readonly framedBy: readonly string[];
}

function answer(
  request: Request,
  { bytes, etag }: ServedAsset,
  { type, status = 200, framedBy }: AnswerOptions,
): Response {
  const headers = {
    ...HEADERS,
    "content-security-policy": [...CONTENT_SECURITY, frameAncestors(framedBy)].join("; "),
    "cache-control": "no-cache",
    // The same address answers with text where no page is wanted.
    vary: "accept",
    etag,
  };
  if (status === 200 && !ifNoneMatch(request.headers.get("if-none-match"), etag)) {
    return new Response(null, { status: 304, headers });
  }
  return new Response(bytes, { status, headers: { ...headers, "content-type": type } });
}

function frameAncestors(origins: readonly string[]): string {
  // What is no host source of the policy's grammar would end the list, or begin another rule.
  const sources = origins.filter((origin) =>
    origin === "*" || /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9._:[\]-]+$/i.test(origin)
  );
  return ["frame-ancestors 'self'", ...sources].join(" ");
}
