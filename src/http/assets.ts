/**
 * The files of `src/viewer/`, which the program carries within it for browsers.
 *
 * @module
 */
import backoffScript from "../viewer/backoff.js" with { type: "text" };
import cardScript from "../viewer/card.js" with { type: "text" };
import chartScript from "../viewer/chart.js" with { type: "text" };
import clipboardScript from "../viewer/clipboard.js" with { type: "text" };
import clockScript from "../viewer/clock.js" with { type: "text" };
import coloursScript from "../viewer/colours.js" with { type: "text" };
import connectionScript from "../viewer/connection.js" with { type: "text" };
import delayScript from "../viewer/delay.js" with { type: "text" };
import elementsScript from "../viewer/elements.js" with { type: "text" };
import figuresScript from "../viewer/figures.js" with { type: "text" };
import firstStepsScript from "../viewer/first_steps.js" with { type: "text" };
import gridScript from "../viewer/grid.js" with { type: "text" };
import historyScript from "../viewer/history.js" with { type: "text" };
import historyChartScript from "../viewer/history_chart.js" with { type: "text" };
import icon from "../viewer/icon.svg" with { type: "text" };
import keyFramesScript from "../viewer/key_frames.js" with { type: "text" };
import meterScript from "../viewer/meter.js" with { type: "text" };
import numbersScript from "../viewer/numbers.js" with { type: "text" };
import picturesScript from "../viewer/pictures.js" with { type: "text" };
import presentationScript from "../viewer/presentation.js" with { type: "text" };
import pixelsScript from "../viewer/pixels.js" with { type: "text" };
import playerStyle from "../viewer/player.css" with { type: "text" };
import playerPage from "../viewer/player.html" with { type: "text" };
import playerScript from "../viewer/player.js" with { type: "text" };
import pollScript from "../viewer/poll.js" with { type: "text" };
import rateControlScript from "../viewer/rate_control.js" with { type: "text" };
import screenScript from "../viewer/screen.js" with { type: "text" };
import sentencesScript from "../viewer/sentences.js" with { type: "text" };
import statusScript from "../viewer/status.js" with { type: "text" };
import streamPlayerScript from "../viewer/stream_player.js" with { type: "text" };
import streamsStyle from "../viewer/streams.css" with { type: "text" };
import streamsPage from "../viewer/streams.html" with { type: "text" };
import streamsScript from "../viewer/streams.js" with { type: "text" };
import style from "../viewer/style.css" with { type: "text" };
import thumbnailScript from "../viewer/thumbnail.js" with { type: "text" };
import videoScript from "../viewer/video.js" with { type: "text" };
import wireScript from "../viewer/wire.js" with { type: "text" };

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
  ["player.css", { content: playerStyle, type: "text/css; charset=utf-8" }],
  ["icon.svg", { content: icon, type: "image/svg+xml" }],
  ["streams.css", { content: streamsStyle, type: "text/css; charset=utf-8" }],
  ["backoff.js", script(backoffScript)],
  ["card.js", script(cardScript)],
  ["chart.js", script(chartScript)],
  ["clipboard.js", script(clipboardScript)],
  ["clock.js", script(clockScript)],
  ["colours.js", script(coloursScript)],
  ["connection.js", script(connectionScript)],
  ["delay.js", script(delayScript)],
  ["elements.js", script(elementsScript)],
  ["figures.js", script(figuresScript)],
  ["first_steps.js", script(firstStepsScript)],
  ["grid.js", script(gridScript)],
  ["history.js", script(historyScript)],
  ["history_chart.js", script(historyChartScript)],
  ["key_frames.js", script(keyFramesScript)],
  ["meter.js", script(meterScript)],
  ["numbers.js", script(numbersScript)],
  ["pictures.js", script(picturesScript)],
  ["presentation.js", script(presentationScript)],
  ["pixels.js", script(pixelsScript)],
  ["poll.js", script(pollScript)],
  ["rate_control.js", script(rateControlScript)],
  ["screen.js", script(screenScript)],
  ["sentences.js", script(sentencesScript)],
  ["status.js", script(statusScript)],
  ["stream_player.js", script(streamPlayerScript)],
  ["thumbnail.js", script(thumbnailScript)],
  ["video.js", script(videoScript)],
  ["wire.js", script(wireScript)],
  ["style.css", { content: style, type: "text/css; charset=utf-8" }],
]);

function page(content: string): Asset {
  return { content, type: "text/html; charset=utf-8" };
}

function script(content: string): Asset {
  return { content, type: "text/javascript; charset=utf-8" };
}
