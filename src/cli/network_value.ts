/**
 * Values about networks, as they are written on a command line.
 *
 * @module
 */
/** Origins of web pages, separated by commas, as browsers write them; `*` for all. */
export function origins(text: string): readonly string[] {
  return text.split(",").map((part) => {
    const origin = part.trim().replace(/\/$/, "").toLowerCase();
    if (origin === "*") return origin;
    if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#@*\\\s]+$/.test(origin) || !URL.canParse(origin)) {
      throw new Error("* or origins such as https://example.org,http://10.0.0.1:3000");
    }
    // Other schemes than the web's have no origin there, but browsers send what stands here.
    return /^https?:/.test(origin) ? new URL(origin).origin : origin;
  });
}
