/**
 * By what part of the browser video is played: WebCodecs, or else Media Source Extensions, which
 * browsers have also on pages that are not secure.
 *
 * @module
 */

/** How pictures come about. */
export interface Way {
  /** The part of the browser that decodes. */
  readonly by: "WebCodecs" | "Media Source";
  /** Why not by what comes before it in the order, as a clause; empty for the first. */
  readonly why: string;
}

/** What is known of the browser and the page. */
export interface WayFacts {
  readonly hasWebCodecs: boolean;
  /** Whether the page is one to which browsers give WebCodecs. */
  readonly isSecure: boolean;
  /** Why WebCodecs does not decode the stream, as a sentence; `undefined` where it may. */
  readonly refusal: string | undefined;
  /** Whether Media Source Extensions take the stream. */
  readonly hasMediaSource: boolean;
}

/** The first way of the order that is open; `undefined` where none is. */
export function wayOf(
  { hasWebCodecs, isSecure, refusal, hasMediaSource }: WayFacts,
): Way | undefined {
  if (hasWebCodecs && refusal === undefined) return { by: "WebCodecs", why: "" };
  if (!hasMediaSource) return undefined;
  if (hasWebCodecs) return { by: "Media Source", why: clause(refusal!) };
  return {
    by: "Media Source",
    why: isSecure ? "this browser has no WebCodecs" : "this page is not a secure context",
  };
}

/** A way in words. */
export function wayName({ by, why }: Way): string {
  return why === "" ? by : `${by}: ${why}`;
}

function clause(sentence: string): string {
  return (sentence[0] ?? "").toLowerCase() + sentence.slice(1).replace(/\.$/, "");
}
