/**
 * What the relay's API says of its streams, as far as it can be understood: a page may be of another
 * release than the relay, so that any field may be missing or be something else.
 *
 * @module
 */

/** Numbers of a stream; `undefined` for what is not known. */
export interface Status {
  readonly name: string;
  readonly format: string | undefined;
  readonly codec: string | null;
  readonly pixelFormat: string | null;
  /** In pixels. */
  readonly width: number | undefined;
  readonly height: number | undefined;
  /** The frame rate that was asked for. */
  readonly fps: number | "source" | undefined;
  readonly isPublishing: boolean;
  readonly viewers: number;
  /** Measured. */
  readonly framesPerSecond: number | undefined;
  /** Measured, of one viewer that gets all. */
  readonly bytesPerSecond: number | undefined;
  readonly queueFrames: number;
  readonly queueBytes: number;
  /** To all viewers, since the stream began. */
  readonly sentBytes: number;
  /** Reasons that have a number. */
  readonly dropped: readonly [reason: string, frames: number][];
  /** From capture to acknowledgement, the middle viewer's. */
  readonly latencyMs: number | undefined;
  /** The slowest viewer's. */
  readonly latencyMaxMs: number | undefined;
  /** From capture to the relay, the middle frame's. */
  readonly sourceMs: number | undefined;
}

/** The streams in an answer of `/api/streams`, each name once; `undefined` where it is no list. */
export function readStatuses(answer: unknown): Status[] | undefined {
  if (!Array.isArray(answer)) return undefined;
  const byName = new Map<string, Status>();
  for (const item of answer) {
    const status = readStatus(item);
    if (status !== undefined && !byName.has(status.name)) byName.set(status.name, status);
  }
  return [...byName.values()];
}

/** A stream's status; `undefined` for what has no name. */
export function readStatus(answer: unknown): Status | undefined {
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

function object(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
