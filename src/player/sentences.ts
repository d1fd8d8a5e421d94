// @ts-check
/// <reference lib="dom" />
/**
 * What the player says: plain sentences about what it waits for, and why.
 *
 * @module
 */

/** @typedef {import("./connection.js").Config} Config */
/** @typedef {import("./connection.js").Lost} Lost */

/** So many WebSockets failed where plain requests came through: it is they that are stopped. */
const MANY_FAILURES = 3;

/**
 * What is known of a stream that is watched.
 *
 * @typedef {object} Facts
 * @property {string} name the stream's name
 * @property {"connecting" | "open" | "lost"} connection
 * @property {Lost | undefined} lost how the last connection ended, until another one is open
 * @property {boolean} isOnline whether this computer has a network
 * @property {boolean} isPublishing
 * @property {boolean} hasEnded the publisher ended the stream, and no frame has come since
 * @property {boolean} isSilent no frame has come for a while
 * @property {boolean} hasPicture something is drawn
 * @property {boolean} isFresh what is drawn has come over this connection
 * @property {boolean} needsKey frames come, but only a key frame can be decoded
 * @property {string | undefined} unsupported why this stream cannot be shown here
 * @property {string | undefined} damaged what is wrong with the last frames
 */

/**
 * What a viewer is shown: `kind` for programs, `sentence` for people (empty where the picture says
 * it all), `isStale` where the picture is not the present one.
 *
 * @typedef {object} State
 * @property {"connecting" | "waiting" | "playing" | "lost" | "blocked" | "ended" | "refused" | "unsupported"} kind
 * @property {string} sentence
 * @property {boolean} isStale
 */

/**
 * The state that the facts make.
 *
 * @param {Facts} facts
 * @returns {State}
 */
export function stateOf(facts) {
  const { name, connection, lost, hasPicture, isPublishing, isSilent } = facts;
  if (lost?.isFinal) return { kind: "refused", sentence: refusal(name, lost), isStale: true };
  if (lost !== undefined && facts.isOnline && lost.failures >= MANY_FAILURES) {
    const sentence = "WebSockets do not get through to the relay. Something on the way stops them.";
    return { kind: "blocked", sentence, isStale: true };
  }
  if (lost !== undefined) {
    return { kind: "lost", sentence: loss(lost, facts.isOnline), isStale: true };
  }
  if (connection !== "open") return { kind: "connecting", sentence: "Connecting…", isStale: true };
  if (facts.hasEnded) {
    const sentence = "The stream has ended. The picture comes back when somebody publishes again.";
    return { kind: "ended", sentence, isStale: true };
  }
  if (facts.unsupported !== undefined) {
    return { kind: "unsupported", sentence: facts.unsupported, isStale: true };
  }
  if (!isPublishing && isSilent) {
    const sentence = hasPicture
      ? "The publisher is gone. The picture goes on when it is back."
      : `Nobody publishes “${name}” yet. The picture comes when somebody does.`;
    return { kind: "waiting", sentence, isStale: true };
  }
  if (facts.damaged !== undefined) {
    return { kind: "waiting", sentence: `${facts.damaged}.`, isStale: true };
  }
  if (facts.needsKey) {
    return { kind: "waiting", sentence: "Waiting for the next key frame.", isStale: true };
  }
  if (!facts.isFresh) {
    const sentence = isPublishing
      ? `Waiting for the ${hasPicture ? "next" : "first"} picture.`
      : `Nobody publishes “${name}” yet. The picture comes when somebody does.`;
    return { kind: "waiting", sentence, isStale: true };
  }
  return { kind: "playing", sentence: "", isStale: false };
}

/**
 * @param {string} name
 * @param {Lost} lost
 * @returns {string}
 */
function refusal(name, { code, why }) {
  switch (code) {
    case 1000:
      return "The relay has ended the connection.";
    case 4000:
      return `“${name}” cannot be the name of a stream: it has 1 to 64 letters, digits, “.”, “_” ` +
        "or “-”, and some names are the relay’s own.";
    case 4001:
      return "This page and the relay are of different versions. Reload the page.";
    case 4005:
      return "The relay is full: it has as many viewers as it may. Try again later.";
    default:
      return `The relay does not let this page watch${why === "" ? "" : `: ${why}`} (${code}).`;
  }
}

/**
 * @param {Lost} lost
 * @param {boolean} isOnline
 * @returns {string}
 */
function loss({ code, failures }, isOnline) {
  if (!isOnline) return "This device is offline. The picture comes back with the network.";
  const soon = "The picture comes back as soon as it is there again.";
  if (code === 1001) return `The relay was stopped. ${soon}`;
  if (failures > 0) return `The relay does not answer. ${soon}`;
  return `The connection was lost. ${soon}`;
}

/** @type {ReadonlyMap<string, string>} */
const FORMAT_NAMES = new Map([
  ["mjpeg", "JPEG"],
  ["png", "PNG"],
  ["raw", "Raw"],
  ["y4m", "Y4M"],
  ["lp32", "Bytes"],
  ["h264", "H.264"],
  ["hevc", "H.265"],
  ["vp8", "VP8"],
  ["vp9", "VP9"],
  ["av1", "AV1"],
]);

/**
 * The name of a stream's format for people, with the codec or the pixel format.
 *
 * @param {Pick<Config, "format" | "codec" | "pixelFormat">} config
 * @returns {string}
 */
export function formatName({ format, codec, pixelFormat }) {
  const name = FORMAT_NAMES.get(format) ?? format;
  const detail = pixelFormat ?? codec;
  const isTold = detail === null || ["jpeg", "png", "raw", format].includes(detail);
  return isTold ? name : `${name} · ${detail}`;
}

/** @type {ReadonlyMap<string, string>} */
const DROP_REASONS = new Map([
  ["slow_viewer", "this viewer was behind"],
  ["overrun", "the relay was too busy"],
  ["awaiting_key_frame", "waiting for a key frame"],
  ["viewer_fps", "fewer frames were asked for"],
  ["stream_fps", "the source is faster than the stream"],
  ["memory", "the relay’s memory was used up"],
  ["disconnected", "the connection ended"],
]);

/**
 * Why the relay dropped frames of a viewer, in words.
 *
 * @param {string} reason
 * @returns {string}
 */
export function dropReason(reason) {
  return DROP_REASONS.get(reason) ?? reason.replaceAll("_", " ");
}
