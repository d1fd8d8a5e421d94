/**
 * What may be chosen of sources and sinks, for those who say so without opening one.
 *
 * @module
 */

/** How fast the frames of a media file go: by their timestamps, or as fast as the relay takes them. */
export const PACES = ["timestamps", "relay"] as const;

/** Formats that a test pattern can be had in. */
export const PATTERN_FORMATS = ["png", "raw"] as const;

/** The folder that frames go to where nothing else is said. */
export const DEFAULT_FOLDER = "frames";
