/**
 * A viewer that gets motion JPEG over HTTP.
 *
 * @module
 */
import type { Frame } from "../core/frame.ts";
import type { Readiness } from "../core/viewer_feed.ts";
import type { WatchedStream } from "../relay/viewer.ts";
import { type BodyMaker, HttpViewer, QUIET_REPORTS } from "./http_viewer.ts";
import type { Boundary, PartForm } from "./multipart.ts";
import type { PacedBody } from "./paced_body.ts";
import type { Asked, Here } from "./route.ts";
import { pictureFault, type StreamPictures } from "./stream_pictures.ts";

/** Motion JPEG for one client. */
export interface MotionAnswer {
  readonly body: PacedBody["body"];
  /** The media type of the answer. */
  readonly type: string;
}

/**
 * Sends a stream's frames as JPEG to one client.
 *
 * @throws {ProtocolError} when there are as many viewers or streams as may be
 */
export function sendParts(here: Here, asked: Asked, form: PartForm): MotionAnswer {
  const stream = here.streams.watch(asked.name);
  const boundary = here.pictures.boundary();
  const maker = new Parts(stream, here.pictures.of(stream), { form, boundary });
  const { body } = new HttpViewer(here, asked, { stream, maker });
  return { body, type: boundary.type };
}

class Parts implements BodyMaker {
  readonly isSpliced = false;
  readonly #stream: WatchedStream;
  readonly #pictures: StreamPictures;
  readonly #form: PartForm;
  readonly #boundary: Boundary;
  #quietReports = 0;

  constructor(
    stream: WatchedStream,
    pictures: StreamPictures,
    { form, boundary }: { readonly form: PartForm; readonly boundary: Boundary },
  ) {
    this.#stream = stream;
    this.#pictures = pictures;
    this.#form = form;
    this.#boundary = boundary;
  }

  begin(body: PacedBody): void {
    this.#pictures.join();
    body.send([this.#boundary.start(this.#form)], 0);
  }

  prepare(frame: Frame): Readiness {
    return this.#pictures.prepare(frame);
  }

  send(frame: Frame, body: PacedBody, bytes = frame.data.byteLength): void {
    this.#quietReports = 0;
    const part = this.#pictures.part(frame, this.#form);
    if (part !== undefined) {
      body.send([part, this.#boundary.end(this.#form)], bytes);
    } else if (pictureFault(this.#stream.name, frame.config, "jpeg") !== undefined) {
      // Whoever asks again is told why; the stream is not left while it sends.
      queueMicrotask(() => body.end());
    }
  }

  /** A picture that stands still is sent again. */
  report(body: PacedBody): void {
    const frame = this.#stream.newestKey;
    if (++this.#quietReports < QUIET_REPORTS || frame === undefined) return;
    if (body.isDrained && this.#pictures.prepare(frame) === "ready") {
      this.send(frame, body, 0);
    }
  }

  over(): void {
    this.#pictures.leave();
  }
}
