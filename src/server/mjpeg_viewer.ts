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
import { BodyPort } from "./body_port.ts";
import type { Front } from "./front.ts";
import { encodeStart, type PartForm } from "./multipart.ts";
import { pictureFault, type StreamPictures } from "./stream_pictures.ts";
import type { Audience, Viewer } from "./viewer.ts";

/** Reports, one a second, without a frame after which the last one is sent again: proxies cut idle connections. */
const REPEAT_REPORTS = 15;

/** Sends a stream's frames as JPEG to one client. */
export class MjpegViewer implements Viewer<ViewerFeed> {
  readonly feed: ViewerFeed;
  readonly joinFrom: JoinFrom = "key";
  readonly #audience: Audience;
  readonly #pictures: StreamPictures;
  readonly #form: PartForm;
  readonly #port: BodyPort;
  #quietReports = 0;

  /** @throws {ProtocolError} when there are as many viewers or streams as may be */
  constructor(front: Front, name: string, form: PartForm) {
    const audience = front.admitViewer(name);
    this.#audience = audience;
    this.#pictures = front.picturesOf(audience);
    this.#pictures.join();
    this.#form = form;
    const port = new BodyPort(() => {
      audience.leave(this);
      this.#pictures.leave();
      front.release();
    });
    this.#port = port;
    this.feed = new ViewerFeed({
      maxDelayMs: DEFAULT_MAX_DELAY_MS,
      maxBytes: front.maxViewerBytes,
      fps: null,
      budget: front.underWay,
      delays: audience.delays,
      unsentBytes: () => port.unsentBytes,
      prepare: (frame) => this.#pictures.prepare(frame),
      send: (frame) => this.#send(frame),
    });
    port.send(encodeStart(form), 0);
    audience.join(this);
  }

  /** The body of the answer. */
  get body(): BodyPort["body"] {
    return this.#port.body;
  }

  welcome(): void {}

  ended(): void {}

  report(): void {
    const frame = this.#audience.newestKey;
    if (++this.#quietReports < REPEAT_REPORTS || frame === undefined) return;
    if (this.#port.unsentBytes === 0 && this.#pictures.prepare(frame) === "ready") {
      this.#send(frame, 0);
    }
  }

  close(code: number, reason: string): void {
    if (code === CLOSE.goingAway) this.#port.end();
    else this.#port.abort(new ProtocolError(code, reason));
  }

  #send(frame: Frame, bytes = frame.data.byteLength): void {
    this.#quietReports = 0;
    const part = this.#pictures.part(frame, this.#form);
    if (part !== undefined) this.#port.send(part, bytes);
    // Whoever asks again is told why; the stream is not left while it sends.
    else if (pictureFault(this.#audience.name, frame.config, "jpeg") !== undefined) {
      queueMicrotask(() => this.#port.end());
    }
  }
}
