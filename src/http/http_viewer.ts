/**
 * A viewer that gets a stream as the body of an answer.
 *
 * @module
 */
import type { Frame } from "../core/frame.ts";
import type { JoinFrom } from "../core/feed.ts";
import { type Readiness, ViewerFeed } from "../core/viewer_feed.ts";
import { ProtocolError } from "../errors.ts";
import { Tenure } from "../relay/tenure.ts";
import type { Viewer, WatchedStream } from "../relay/viewer.ts";
import { CLOSE } from "../wire/close_code.ts";
import { DEFAULT_MAX_DELAY_MS } from "../wire/control_message.ts";
import { PacedBody } from "./paced_body.ts";
import type { Asked, Here } from "./route.ts";

/**
 * After this many reports (one a second) without a frame, something is sent all the same, because
 * proxies cut idle connections.
 */
export const QUIET_REPORTS = 15;

/** What differs from one kind of answer to another. */
export interface BodyMaker {
  /** Sends what stands before all frames. Absent: nothing does. */
  begin?(body: PacedBody): void;
  /** Prepares a frame. Absent: frames are sent as they are. */
  readonly prepare?: (frame: Frame) => Readiness;
  /** Whether a key frame behind a gap is changed so that decoders know of the gap. */
  readonly isSpliced: boolean;
  /** Sends a frame that is ready as part of `body`. */
  send(frame: Frame, body: PacedBody): void;
  /** A second has passed. */
  report?(body: PacedBody): void;
  /** Nothing more can be sent. */
  over?(): void;
}

/** Sends a stream's frames to one client. */
export class HttpViewer implements Viewer<ViewerFeed> {
  readonly feed: ViewerFeed;
  readonly joinFrom: JoinFrom = "key";
  readonly #maker: BodyMaker;
  readonly #body: PacedBody;
  #tenure: Tenure | undefined;

  /** Counts the viewer in as one of `stream`, which `streams.watch` has returned. */
  constructor(
    { streams: { memory, guard, outflow } }: Pick<Here, "streams">,
    { name, asker, untilMs, changes }: Pick<Asked, "name" | "asker" | "untilMs" | "changes">,
    { stream, maker }: { readonly stream: WatchedStream; readonly maker: BodyMaker },
  ) {
    this.#maker = maker;
    const body = new PacedBody(() => {
      this.#tenure?.end();
      stream.leave(this);
      maker.over?.();
      memory.release();
    }, { mayPush: true });
    this.#body = body;
    this.feed = new ViewerFeed({
      maxDelayMs: DEFAULT_MAX_DELAY_MS,
      maxBytes: memory.plan.viewerBytes,
      fps: null,
      budget: memory.underWay,
      reserveBytes: memory.plan.reserveBytes,
      outflow: outflow.viewer(),
      delays: stream.delays,
      unsentBytes: () => body.unsentBytes,
      prepare: (frame) => maker.prepare?.(frame) ?? "ready",
      ...maker.isSpliced ? { splice: (frame) => stream.encodings.splice(frame) } : {},
      send: (frame) => maker.send(frame, body),
    });
    maker.begin?.(body);
    stream.join(this);
    if (guard.isOpen) return;
    this.#tenure = new Tenure({
      guard,
      questions: [{ ...asker, action: "watch", stream: name }],
      untilMs,
      changes,
      wallMs: Date.now,
      onOver: (why) => this.close(CLOSE.accessEnded, why),
    });
  }

  /** The body of the answer. */
  get body(): PacedBody["body"] {
    return this.#body.body;
  }

  welcome(): void {}

  ended(): void {}

  report(): void {
    this.#maker.report?.(this.#body);
  }

  close(code: number, reason: string): void {
    if (code === CLOSE.goingAway) this.#body.end();
    else this.#body.abort(new ProtocolError(code, reason));
  }
}
