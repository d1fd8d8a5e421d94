/**
 * The files of `src/viewer/`, which the program carries within it for browsers.
 *
 * @module
 */
import playerPage from "../viewer/player.html" with { type: "text" };
import playerScript from "../viewer/player.js" with { type: "text" };
import streamsPage from "../viewer/streams.html" with { type: "text" };
import streamsScript from "../viewer/streams.js" with { type: "text" };
import style from "../viewer/style.css" with { type: "text" };

/** A file for browsers. */
export interface Asset {
  readonly content: string;
  /** Its media type. */
  readonly type: string;
}

/** All files by name. */
export const ASSETS: ReadonlyMap<string, Asset> = new Map([
  ["player.html", page(playerPage)],
  ["player.js", script(playerScript)],
  ["streams.html", page(streamsPage)],
  ["streams.js", script(streamsScript)],
  ["style.css", { content: style, type: "text/css; charset=utf-8" }],
]);

function page(content: string): Asset {
  return { content, type: "text/html; charset=utf-8" };
}

function script(content: string): Asset {
  return { content, type: "text/javascript; charset=utf-8" };
}
