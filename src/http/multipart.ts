/**
 * Motion JPEG over HTTP: pictures of which each replaces the one before it
 * (`multipart/x-mixed-replace`).
 *
 * @module
 */

/**
 * - `counted`: a part says its length and time, as programs want it
 * - `early`: a part's head follows right behind the picture before it, when nothing is known of the
 *   next one. Browsers look for boundaries and show a picture when the next part's head is there:
 *   with a part's length in its head they would always show the last picture but one.
 */
export type PartForm = "counted" | "early";

const BOUNDARY = "next-picture-4b1d7c0a9e";
const EARLY_HEAD = `--${BOUNDARY}\r\nContent-Type: image/jpeg\r\n\r\n`;

/** The media type of the whole. */
export const MULTIPART_TYPE = `multipart/x-mixed-replace; boundary=${BOUNDARY}`;

const encoder = new TextEncoder();

/** What comes before the first part. */
export function encodeStart(form: PartForm): Uint8Array<ArrayBuffer> {
  return encoder.encode(form === "early" ? EARLY_HEAD : `--${BOUNDARY}\r\n`);
}

/** The part of one picture, up to and with the boundary behind it. */
export function encodePart(
  jpeg: Uint8Array,
  captureUs: number,
  form: PartForm,
): Uint8Array<ArrayBuffer> {
  const head = encoder.encode(
    form === "early" ? "" : [
      "Content-Type: image/jpeg",
      `Content-Length: ${jpeg.byteLength}`,
      `X-Timestamp: ${timestamp(captureUs)}`,
      "\r\n",
    ].join("\r\n"),
  );
  const end = encoder.encode(`\r\n${form === "early" ? EARLY_HEAD : `--${BOUNDARY}\r\n`}`);
  const part = new Uint8Array(head.length + jpeg.length + end.length);
  part.set(head);
  part.set(jpeg, head.length);
  part.set(end, head.length + jpeg.length);
  return part;
}

/** Seconds since the Unix epoch with six decimals, as mjpg-streamer writes them. */
export function timestamp(us: number): string {
  const whole = Math.round(us);
  return `${Math.floor(whole / 1e6)}.${String(whole % 1e6).padStart(6, "0")}`;
}
