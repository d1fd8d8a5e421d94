// @ts-check
/// <reference lib="dom" />
/**
 * The colour space of video. Browsers take BT.709 for everything that does not tell; small pictures
 * are BT.601 by convention, and so is what ffmpeg makes of RGB.
 *
 * @module
 */

/** @typedef {import("./connection.js").Config} Config */

/** From this size on, video that does not tell is BT.709. */
const HD_WIDTH = 1280;
const HD_HEIGHT = 720;

/** VP9's numbers of the matrices that WebCodecs knows (VP9 bitstream specification, 7.2.2). */
const VP9_MATRICES =
  /** @type {(VideoMatrixCoefficients | undefined)[]} */ (/** @type {unknown} */ ([
    undefined,
    "smpte170m",
    "bt709",
    "smpte170m",
    undefined,
    "bt2020-ncl",
    undefined,
    "rgb",
  ]));

/**
 * What a decoder is to believe where it finds nothing in the stream, or does not look: `undefined`
 * for what it believes by itself.
 *
 * @param {Config} config
 * @param {Uint8Array} keyFrame
 * @returns {VideoColorSpaceInit | undefined}
 */
export function colourSpace({ format, width, height }, keyFrame) {
  if (format === "vp8") return bt("smpte170m");
  if (format === "vp9") {
    const told = vp9Colours(keyFrame);
    if (told?.matrix !== undefined) return bt(told.matrix, told.fullRange);
  }
  if (width === null || height === null) return undefined;
  return width < HD_WIDTH && height < HD_HEIGHT ? bt("smpte170m") : undefined;
}

/**
 * @param {VideoMatrixCoefficients} matrix
 * @param {boolean} [fullRange]
 * @returns {VideoColorSpaceInit}
 */
function bt(matrix, fullRange = false) {
  return { matrix, fullRange, primaries: "bt709", transfer: "bt709" };
}

/**
 * What a key frame of VP9 tells (VP9 bitstream specification, 6.2); `undefined` where it is none.
 *
 * @param {Uint8Array} frame
 * @returns {{ matrix: VideoMatrixCoefficients | undefined, fullRange: boolean } | undefined}
 */
export function vp9Colours(frame) {
  let at = 0;
  const read = (/** @type {number} */ count) => {
    let value = 0;
    for (let i = 0; i < count; i++, at++) {
      value = value << 1 | (Number(frame[at >> 3] ?? 0) >> (7 - (at & 7)) & 1);
    }
    return value;
  };
  if (read(2) !== 2) return undefined;
  const profile = read(1) + 2 * read(1);
  if (profile === 3) read(1);
  const isOther = read(1) + read(1);
  read(2);
  if (isOther !== 0 || read(24) !== 0x49_83_42) return undefined;
  if (profile >= 2) read(1);
  const space = read(3);
  return { matrix: VP9_MATRICES[space], fullRange: space === 7 || read(1) === 1 };
}
