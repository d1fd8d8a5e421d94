/**
 * Answers that are not pictures or pages.
 *
 * @module
 */

/**
 * What a browser may make of an answer that is no page: nothing is loaded or run, whatever it is taken
 * for (Content Security Policy Level 3).
 */
const NO_PAGE = "default-src 'none'; sandbox";

/** Keeps a browser from taking an answer for anything else than it is, as every answer must be. */
export function harmless(response: Response): Response {
  const { headers } = response;
  headers.set("x-content-type-options", "nosniff");
  if (!headers.has("content-security-policy")) headers.set("content-security-policy", NO_PAGE);
  return response;
}

/** Answers with text for people. */
export function text(
  status: number,
  value: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(value, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
      ...headers,
    },
  });
}

/** Answers with JSON for programs. */
export function json(status: number, value: unknown): Response {
  return Response.json(value, { status, headers: { "cache-control": "no-store" } });
}

/** Answers a request whose method is none of these. */
export function notAllowed(methods: readonly string[]): Response {
  const allow = methods.join(", ");
  return text(405, `Cannot use this method here: only ${allow}\n`, { allow });
}

/** Whether a request only looks at something. */
export function isReading({ method }: Request): boolean {
  return method === "GET" || method === "HEAD";
}
