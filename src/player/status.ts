// @ts-check
/// <reference lib="dom" />
/**
 * What the relay's API says of its streams, as far as it can be understood: a page may be of another
 * release than the relay, so that any field may be missing or be something else.
 *
 * @module
 */

/**
 * Numbers of a stream; `undefined` for what is not known.
 *
 * @typedef {object} Status
 * @property {string} name
 * @property {string | undefined} format
 * @property {string | null} codec
 * @property {string | null} pixelFormat
 * @property {number | undefined} width in pixels
 * @property {number | undefined} height
 * @property {number | "source" | undefined} fps the frame rate that was asked for
 * @property {boolean} isPublishing
 * @property {number} viewers
 * @property {number | undefined} framesPerSecond measured
 * @property {number | undefined} bytesPerSecond measured, of one viewer that gets all
 * @property {number} queueFrames
 * @property {number} queueBytes
 * @property {number} sentBytes to all viewers, since the stream began
 * @property {readonly [reason: string, frames: number][]} dropped reasons that have a number
 * @property {number | undefined} latencyMs from capture to acknowledgement, the middle viewer's
 * @property {number | undefined} latencyMaxMs the slowest viewer's
 * @property {number | undefined} sourceMs from capture to the relay, the middle frame's
 */

/**
 * The streams in an answer of `/api/streams`, each name once.
 *
 * @param {unknown} answer
 * @returns {Status[] | undefined} `undefined` where it is no list
 */
export function readStatuses(answer) {
  if (!Array.isArray(answer)) return undefined;
  /** @type {Map<string, Status>} */
  const byName = new Map();
  for (const item of answer) {
    const status = readStatus(item);
    if (status !== undefined && !byName.has(status.name)) byName.set(status.name, status);
  }
  return [...byName.values()];
}

/**
 * A stream's status; `undefined` for what has no name.
 *
 * @param {unknown} answer
 * @returns {Status | undefined}
 */
export function readStatus(answer) {
  const fields = object(answer);
  const name = text(fields.name);
  if (name === undefined || name === "") return undefined;
  const [queue, rate, latency, arrival] = [
    fields.queue,
    fields.rate,
    fields.latency,
    fields.arrival,
  ].map(object);
  return {
    name,
    format: text(fields.format),
    codec: text(fields.codec) ?? null,
    pixelFormat: text(fields.pixelFormat) ?? null,
    width: number(fields.width),
    height: number(fields.height),
    fps: fields.fps === "source" ? fields.fps : number(fields.fps),
    isPublishing: fields.publishing === true,
    viewers: number(fields.viewers) ?? 0,
    framesPerSecond: number(rate?.framesPerSecond),
    bytesPerSecond: number(rate?.bytesPerSecond),
    queueFrames: number(queue?.frames) ?? 0,
    queueBytes: number(queue?.bytes) ?? 0,
    sentBytes: number(object(fields.sent).bytes) ?? 0,
    dropped: Object.entries(object(fields.dropped)).flatMap(([reason, frames]) => {
      const count = number(frames);
      return count === undefined || count <= 0 ? [] : [[reason, count]];
    }),
    latencyMs: number(latency?.medianMs),
    latencyMaxMs: number(latency?.maxMs),
    sourceMs: number(arrival?.medianMs),
  };
}

/**
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
function object(value) {
  return typeof value === "object" && value !== null
    ? /** @type {Record<string, unknown>} */ (value)
    : {};
}

/**
 * @param {unknown} value
 * @returns {string | undefined}
 */
function text(value) {
  return typeof value === "string" ? value : undefined;
}

/**
 * @param {unknown} value
 * @returns {number | undefined}
 */
function number(value) {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
