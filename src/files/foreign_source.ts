/**
 * Inputs that are no files: what ffmpeg reads, and the line that brings it here.
 *
 * @module
 */
import { StreamError } from "../errors.ts";

/** The line by which ffmpeg reads `input`, an address or a device, and the frames come here. */
export function pipeLine(input: string): string {
  const shown = /[^A-Za-z0-9_./:@%+=,-]/.test(input) ? `"${input}"` : input;
  if (isDevice(input)) {
    return `ffmpeg -f v4l2 -i ${shown} -c:v libx264 -tune zerolatency -f h264 - | ` +
      "stream publish --on-full drop";
  }
  const transport = /^rtsps?:/i.test(input) ? "-rtsp_transport tcp " : "";
  return `ffmpeg ${transport}-i ${shown} -c:v copy -f h264 - | stream publish (H.264; ` +
    "for others use -f mjpeg -q:v 3 instead of -c:v copy -f h264)";
}

/**
 * Refuses what is no file but an address or a camera.
 *
 * @throws {StreamError} (`usage`) with the line that reads it
 */
export function refuseForeignSource(path: string): void {
  if (/^file:\/\//i.test(path)) {
    const local = localPath(path);
    throw new StreamError(
      "usage",
      `Cannot read ${path}: it is an address; give the file's path: --input "${local}"`,
    );
  }
  const isAddress = /^[a-z][a-z0-9+.-]*:\/\//i.test(path);
  if (!isAddress && !isDevice(path)) return;
  const what = isAddress ? "it is an address, not a file" : "it is a camera, not a file";
  throw new StreamError(
    "usage",
    `Cannot read ${path}: ${what}; pipe it in: ${pipeLine(path)}`,
  );
}

/** The path in an address of a local file. */
function localPath(address: string): string {
  const path = address.replace(/^file:\/\/[^/]*/i, "");
  try {
    return decodeURIComponent(path);
  } catch {
    // A percent sign that stands for itself.
    return path;
  }
}

/**
 * Why a file is not there, and what to do; a name may stand for many files, for a shell or for
 * ffmpeg.
 */
export function missingFile(path: string): string {
  if (/%0?\d*d/.test(path)) {
    return "there is no such file; pipe pictures with numbers in: " +
      `ffmpeg -i ${path} -f mjpeg -q:v 3 - | stream publish`;
  }
  return /[*?]/.test(path)
    ? `there is no such file; pipe many pictures in: cat ${path} | stream publish`
    : "there is no such file; check the name";
}

/** Whether `path` is what Linux calls a capture device (Video4Linux2). */
function isDevice(path: string): boolean {
  return /^\/dev\/(?:video\d|v4l\/)/.test(path);
}
