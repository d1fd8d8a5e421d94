/**
 * The containers that are read as they come.
 *
 * @module
 */

/** Their names, which are those of ffmpeg; `matroska` is WebM, too. */
export const CONTAINERS = ["matroska", "mp4", "mpegts"] as const;

/** A container that is read as it comes. */
export type Container = typeof CONTAINERS[number];
