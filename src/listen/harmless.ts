/**
 * What a browser may make of an answer.
 *
 * @module
 */

/**
 * Of an answer that is no page: nothing is loaded or run, whatever it is taken for (Content Security
 * Policy Level 3).
 */
const NO_PAGE = "default-src 'none'; sandbox";

/** What every answer says that does not say more about itself. */
const HARMLESS_HEADERS: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "content-security-policy": NO_PAGE,
};

/** The same as it is written into the header of an answer. */
export const HARMLESS_LINES: string = Object.entries(HARMLESS_HEADERS)
  .map(([name, value]) => `${name}: ${value}\r\n`).join("");

/** Keeps a browser from taking an answer for anything else than it is, as every answer must be. */
export function harmless(response: Response): Response {
  const { headers } = response;
  for (const [name, value] of Object.entries(HARMLESS_HEADERS)) {
    if (!headers.has(name)) headers.set(name, value);
  }
  return response;
}
