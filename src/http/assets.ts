/**
 * The files that the program carries within it for browsers: the pages, and every module that they
 * import, under the paths that they have in `src`. Nothing else of the source is served.
 *
 * @module
 */
import { stripTypeScriptTypes } from "node:module";
import bytesBitReader from "../bytes/bit_reader.ts" with { type: "text" };
import bytesHeadroom from "../bytes/headroom.ts" with { type: "text" };
import bytesJoined from "../bytes/joined.ts" with { type: "text" };
import bytesText from "../bytes/text.ts" with { type: "text" };
import coreDrops from "../core/drops.ts" with { type: "text" };
import coreFrame from "../core/frame.ts" with { type: "text" };
import corePixelFormat from "../core/pixel_format.ts" with { type: "text" };
import coreStreamFormat from "../core/stream_format.ts" with { type: "text" };
import errors from "../errors.ts" with { type: "text" };
import hostClock from "../host/clock.ts" with { type: "text" };
import mediaDecodeTimes from "../media/decode_times.ts" with { type: "text" };
import mediaDecoderRecord from "../media/decoder_record.ts" with { type: "text" };
import mediaLayout from "../media/layout.ts" with { type: "text" };
import mediaLiveMp4 from "../media/live_mp4.ts" with { type: "text" };
import mediaMovieBoxes from "../media/movie_boxes.ts" with { type: "text" };
import mediaNalSamples from "../media/nal_samples.ts" with { type: "text" };
import mediaRecordingTimes from "../media/recording_times.ts" with { type: "text" };
import mediaTrack from "../media/track.ts" with { type: "text" };
import mediaUpperLayers from "../media/upper_layers.ts" with { type: "text" };
import netAnswer from "../net/answer.ts" with { type: "text" };
import netBackoff from "../net/backoff.ts" with { type: "text" };
import netTokenProtocol from "../net/token_protocol.ts" with { type: "text" };
import pictureFramePicture from "../picture/frame_picture.ts" with { type: "text" };
import pictureRgb from "../picture/rgb.ts" with { type: "text" };
import playerAdmission from "../player/admission.ts" with { type: "text" };
import playerAppendQueue from "../player/append_queue.ts" with { type: "text" };
import playerCard from "../player/card.ts" with { type: "text" };
import playerChart from "../player/chart.ts" with { type: "text" };
import playerClipboard from "../player/clipboard.ts" with { type: "text" };
import playerColours from "../player/colours.ts" with { type: "text" };
import playerConnection from "../player/connection.ts" with { type: "text" };
import playerCopyButton from "../player/copy_button.ts" with { type: "text" };
import playerDelay from "../player/delay.ts" with { type: "text" };
import playerEarlyFrames from "../player/early_frames.ts" with { type: "text" };
import playerElement from "../player/element.ts" with { type: "text" };
import playerElements from "../player/elements.ts" with { type: "text" };
import playerElsewhere from "../player/elsewhere.ts" with { type: "text" };
import playerEndForm from "../player/end_form.ts" with { type: "text" };
import playerEntry from "../player/entry.ts" with { type: "text" };
import playerFigures from "../player/figures.ts" with { type: "text" };
import playerFirstSteps from "../player/first_steps.ts" with { type: "text" };
import playerFragments from "../player/fragments.ts" with { type: "text" };
import playerGrid from "../player/grid.ts" with { type: "text" };
import playerHistory from "../player/history.ts" with { type: "text" };
import playerHistoryChart from "../player/history_chart.ts" with { type: "text" };
import playerKeyFrames from "../player/key_frames.ts" with { type: "text" };
import playerLiveEdge from "../player/live_edge.ts" with { type: "text" };
import playerMediaSource from "../player/media_source.ts" with { type: "text" };
import playerMeter from "../player/meter.ts" with { type: "text" };
import playerMotionImage from "../player/motion_image.ts" with { type: "text" };
import playerMotionParts from "../player/motion_parts.ts" with { type: "text" };
import playerNumbers from "../player/numbers.ts" with { type: "text" };
import playerPeerControl from "../player/peer_control.ts" with { type: "text" };
import playerPictures from "../player/pictures.ts" with { type: "text" };
import playerPixels from "../player/pixels.ts" with { type: "text" };
import playerPlayer from "../player/player.ts" with { type: "text" };
import playerPoll from "../player/poll.ts" with { type: "text" };
import playerPresentation from "../player/presentation.ts" with { type: "text" };
import playerRateControl from "../player/rate_control.ts" with { type: "text" };
import playerRecipes from "../player/recipes.ts" with { type: "text" };
import playerRelayAnswer from "../player/relay_answer.ts" with { type: "text" };
import playerScreen from "../player/screen.ts" with { type: "text" };
import playerSentences from "../player/sentences.ts" with { type: "text" };
import playerStatus from "../player/status.ts" with { type: "text" };
import playerStreamPlayer from "../player/stream_player.ts" with { type: "text" };
import playerStreams from "../player/streams.ts" with { type: "text" };
import playerThumbnail from "../player/thumbnail.ts" with { type: "text" };
import playerTokenForm from "../player/token_form.ts" with { type: "text" };
import playerVideo from "../player/video.ts" with { type: "text" };
import playerWays from "../player/ways.ts" with { type: "text" };
import splitAv1 from "../split/av1.ts" with { type: "text" };
import splitNal from "../split/nal.ts" with { type: "text" };
import splitParameterSets from "../split/parameter_sets.ts" with { type: "text" };
import wireAcknowledgement from "../wire/acknowledgement.ts" with { type: "text" };
import wireClockOffset from "../wire/clock_offset.ts" with { type: "text" };
import wireCloseCode from "../wire/close_code.ts" with { type: "text" };
import wireControlMessage from "../wire/control_message.ts" with { type: "text" };
import wireFrameMessage from "../wire/frame_message.ts" with { type: "text" };
import wireShape from "../wire/shape.ts" with { type: "text" };
import wireViewerSession from "../wire/viewer_session.ts" with { type: "text" };
import icon from "../player/icon.svg" with { type: "text" };
import playerStyle from "../player/player.css" with { type: "text" };
import playerPage from "../player/player.html" with { type: "text" };
import streamsStyle from "../player/streams.css" with { type: "text" };
import streamsPage from "../player/streams.html" with { type: "text" };
import style from "../player/style.css" with { type: "text" };
import { Asset } from "./asset.ts";

/** All files by the path that follows `/assets/`. */
export const ASSETS: ReadonlyMap<string, Asset> = new Map([
  ["player.html", page(playerPage)],
  ["streams.html", page(streamsPage)],
  ["player/icon.svg", new Asset("image/svg+xml", () => icon)],
  ["player/player.css", css(playerStyle)],
  ["player/streams.css", css(streamsStyle)],
  ["player/style.css", css(style)],
  ["bytes/bit_reader.ts", script(bytesBitReader)],
  ["bytes/headroom.ts", script(bytesHeadroom)],
  ["bytes/joined.ts", script(bytesJoined)],
  ["bytes/text.ts", script(bytesText)],
  ["core/drops.ts", script(coreDrops)],
  ["core/frame.ts", script(coreFrame)],
  ["core/pixel_format.ts", script(corePixelFormat)],
  ["core/stream_format.ts", script(coreStreamFormat)],
  ["errors.ts", script(errors)],
  ["host/clock.ts", script(hostClock)],
  ["media/decode_times.ts", script(mediaDecodeTimes)],
  ["media/decoder_record.ts", script(mediaDecoderRecord)],
  ["media/layout.ts", script(mediaLayout)],
  ["media/live_mp4.ts", script(mediaLiveMp4)],
  ["media/movie_boxes.ts", script(mediaMovieBoxes)],
  ["media/nal_samples.ts", script(mediaNalSamples)],
  ["media/recording_times.ts", script(mediaRecordingTimes)],
  ["media/track.ts", script(mediaTrack)],
  ["media/upper_layers.ts", script(mediaUpperLayers)],
  ["net/answer.ts", script(netAnswer)],
  ["net/backoff.ts", script(netBackoff)],
  ["net/token_protocol.ts", script(netTokenProtocol)],
  ["picture/frame_picture.ts", script(pictureFramePicture)],
  ["picture/rgb.ts", script(pictureRgb)],
  ["player/admission.ts", script(playerAdmission)],
  ["player/append_queue.ts", script(playerAppendQueue)],
  ["player/card.ts", script(playerCard)],
  ["player/chart.ts", script(playerChart)],
  ["player/clipboard.ts", script(playerClipboard)],
  ["player/colours.ts", script(playerColours)],
  ["player/connection.ts", script(playerConnection)],
  ["player/copy_button.ts", script(playerCopyButton)],
  ["player/delay.ts", script(playerDelay)],
  ["player/early_frames.ts", script(playerEarlyFrames)],
  ["player/element.ts", script(playerElement)],
  ["player/elements.ts", script(playerElements)],
  ["player/elsewhere.ts", script(playerElsewhere)],
  ["player/end_form.ts", script(playerEndForm)],
  ["player/entry.ts", script(playerEntry)],
  ["player/figures.ts", script(playerFigures)],
  ["player/first_steps.ts", script(playerFirstSteps)],
  ["player/fragments.ts", script(playerFragments)],
  ["player/grid.ts", script(playerGrid)],
  ["player/history.ts", script(playerHistory)],
  ["player/history_chart.ts", script(playerHistoryChart)],
  ["player/key_frames.ts", script(playerKeyFrames)],
  ["player/live_edge.ts", script(playerLiveEdge)],
  ["player/media_source.ts", script(playerMediaSource)],
  ["player/meter.ts", script(playerMeter)],
  ["player/motion_image.ts", script(playerMotionImage)],
  ["player/motion_parts.ts", script(playerMotionParts)],
  ["player/numbers.ts", script(playerNumbers)],
  ["player/peer_control.ts", script(playerPeerControl)],
  ["player/pictures.ts", script(playerPictures)],
  ["player/pixels.ts", script(playerPixels)],
  ["player/player.ts", script(playerPlayer)],
  ["player/poll.ts", script(playerPoll)],
  ["player/presentation.ts", script(playerPresentation)],
  ["player/rate_control.ts", script(playerRateControl)],
  ["player/recipes.ts", script(playerRecipes)],
  ["player/relay_answer.ts", script(playerRelayAnswer)],
  ["player/screen.ts", script(playerScreen)],
  ["player/sentences.ts", script(playerSentences)],
  ["player/status.ts", script(playerStatus)],
  ["player/stream_player.ts", script(playerStreamPlayer)],
  ["player/streams.ts", script(playerStreams)],
  ["player/thumbnail.ts", script(playerThumbnail)],
  ["player/token_form.ts", script(playerTokenForm)],
  ["player/video.ts", script(playerVideo)],
  ["player/ways.ts", script(playerWays)],
  ["split/av1.ts", script(splitAv1)],
  ["split/nal.ts", script(splitNal)],
  ["split/parameter_sets.ts", script(splitParameterSets)],
  ["wire/acknowledgement.ts", script(wireAcknowledgement)],
  ["wire/clock_offset.ts", script(wireClockOffset)],
  ["wire/close_code.ts", script(wireCloseCode)],
  ["wire/control_message.ts", script(wireControlMessage)],
  ["wire/frame_message.ts", script(wireFrameMessage)],
  ["wire/shape.ts", script(wireShape)],
  ["wire/viewer_session.ts", script(wireViewerSession)],
]);

/** The modules that `path` imports, and those that they import; itself last. */
export function importClosure(path: string): string[] {
  const found = new Set<string>();
  const visit = (module: string): void => {
    if (found.has(module)) return;
    found.add(module);
    for (const specifier of importsOf(ASSETS.get(module)?.content ?? "")) {
      visit(new URL(specifier, `file:///${module}`).pathname.slice(1));
    }
  };
  visit(path);
  return [...found].reverse();
}

/** What a module without types imports, as written. */
function importsOf(code: string): string[] {
  const importing = /^\s*(?:import|export)\b[^;"]*?\bfrom\s*"([^"]+)"|^\s*import\s*"([^"]+)"/gm;
  return [...code.matchAll(importing)].map((match) => (match[1] ?? match[2])!);
}

/**
 * A page that names all modules of its script, so that a browser fetches them at once instead of
 * finding them one import after the other.
 */
function page(html: string): Asset {
  return new Asset(
    "text/html; charset=utf-8",
    () =>
      html.replace(/^( *)<script type="module" src="assets\/([^"]+)">/m, (script, indent, path) => {
        const links = importClosure(path).filter((module) => module !== path)
          .map((module) => `${indent}<link rel="modulepreload" href="assets/${module}">\n`);
        return links.join("") + script;
      }),
  );
}

function css(content: string): Asset {
  return new Asset("text/css; charset=utf-8", () => content);
}

/**
 * A module whose types are blanked out, so that lines and columns are those of the source. So are the
 * comments that document it, which are a third of it.
 */
function script(content: string): Asset {
  return new Asset("text/javascript; charset=utf-8", () =>
    stripTypeScriptTypes(content)
      .replace(/^[ \t]*\/\*\*[^]*?\*\/$/gm, (comment) => comment.replace(/[^\n]/g, ""))
      .replace(/[ \t]+$/gm, ""));
}
