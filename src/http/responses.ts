/**
 * Answers that are not pictures or pages.
 *
 * @module
 */

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
