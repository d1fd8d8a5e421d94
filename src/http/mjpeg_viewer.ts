/**
 * A viewer that gets motion JPEG over HTTP.
 *
 * @module
 */
import type { Frame } from "../core/frame.ts";
import type { JoinFrom } from "../core/feed.ts";
import { ViewerFeed } from "../core/viewer_feed.ts";
import { ProtocolError } from "../errors.ts";
import { CLOSE } from "../wire/close_code.ts";
import { DEFAULT_MAX_DELAY_MS } from "../wire/control_message.ts";
import type { Boundary, PartForm } from "./multipart.ts";
import { PacedBody } from "./paced_body.ts";
import type { Asked, Here } from "./route.ts";
import { pictureFault, type StreamPictures } from "./stream_pictures.ts";
import { Tenure } from "../relay/tenure.ts";
import type { Viewer, WatchedStream } from "../relay/viewer.ts";

/**
 * After this many reports (one a second) without a frame, the last picture is sent again, because
 * proxies cut idle connections.
 */
const REPEAT_REPORTS = 15;

/** Sends a stream's frames as JPEG to one client. */
export class MjpegViewer implements Viewer<ViewerFeed> {
  readonly feed: ViewerFeed;
  readonly joinFrom: JoinFrom = "key";
  readonly #stream: WatchedStream;
  readonly #pictures: StreamPictures;
  readonly #form: PartForm;
  readonly #boundary: Boundary;
  readonly #body: PacedBody;
  #tenure: Tenure | undefined;
  #quietReports = 0;

  /** @throws {ProtocolError} when there are as many viewers or streams as may be */
  constructor({ streams, pictures }: Here, { name, asker, untilMs }: Asked, form: PartForm) {
    const { memory, guard } = streams;
    const stream = streams.watch(name);
    this.#stream = stream;
    this.#pictures = pictures.of(stream);
    this.#pictures.join();
    this.#form = form;
    this.#boundary = pictures.boundary();
    const body = new PacedBody(() => {
      this.#tenure?.end();
      stream.leave(this);
      this.#pictures.leave();
      memory.release();
    });
    this.#body = body;
    this.feed = new ViewerFeed({
      maxDelayMs: DEFAULT_MAX_DELAY_MS,
      maxBytes: memory.plan.viewerBytes,
      fps: null,
      budget: memory.underWay,
      reserveBytes: memory.plan.reserveBytes,
      outflow: streams.outflow.viewer(),
      delays: stream.delays,
      unsentBytes: () => body.unsentBytes,
      prepare: (frame) => this.#pictures.prepare(frame),
      send: (frame) => this.#send(frame),
    });
    body.send(this.#boundary.start(form), 0);
    stream.join(this);
    if (guard.isOpen) return;
    this.#tenure = new Tenure({
      guard,
      questions: [{ ...asker, action: "watch", stream: name }],
      untilMs,
      wallMs: Date.now,
      onOver: (why) => this.close(CLOSE.accessEnded, why),
    });
  }

  /** The body of the answer. */
  get body(): PacedBody["body"] {
    return this.#body.body;
  }

  /** The media type of the answer. */
  get type(): string {
    return this.#boundary.type;
  }

  welcome(): void {}

  ended(): void {}

  report(): void {
    const frame = this.#stream.newestKey;
    if (++this.#quietReports < REPEAT_REPORTS || frame === undefined) return;
    if (this.#body.unsentBytes === 0 && this.#pictures.prepare(frame) === "ready") {
      this.#send(frame, 0);
    }
  }

  close(code: number, reason: string): void {
    if (code === CLOSE.goingAway) this.#body.end();
    else this.#body.abort(new ProtocolError(code, reason));
  }

  #send(frame: Frame, bytes = frame.data.byteLength): void {
    this.#quietReports = 0;
    const part = this.#pictures.part(frame, this.#form);
    if (part !== undefined) {
      this.#body.send(part, bytes);
      this.#body.send(this.#boundary.end(this.#form), 0);
    } else if (pictureFault(this.#stream.name, frame.config, "jpeg") !== undefined) {
      // Whoever asks again is told why; the stream is not left while it sends.
      queueMicrotask(() => this.#body.end());
    }
  }
}
