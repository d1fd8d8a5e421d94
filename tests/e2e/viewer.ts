/**
 * A viewer in this process that shows each frame as it came, and confirms when its test lets it.
 *
 * @module
 */
import type { StreamConfig } from "../../src/core/frame.ts";
import { systemClock } from "../../src/host/clock.ts";
import { type FrameHeader, SUBPROTOCOL } from "../../src/wire/frame_message.ts";
import { ViewerSession } from "../../src/wire/viewer_session.ts";
import { soon } from "../waiting.ts";

/** A frame as it came. */
export interface ViewedFrame {
  readonly header: FrameHeader;
  readonly data: Uint8Array<ArrayBuffer>;
  readonly config: StreamConfig;
}

/** Options of {@linkcode Viewer.join}. */
export interface ViewerOptions {
  /** Most frames a second. @default {null} */
  readonly fps?: number | null;
  /** Longest delay of frames under way in milliseconds: long, so that nothing is skipped. @default {60000} */
  readonly maxDelayMs?: number;
  /** Whether frames are not confirmed until {@linkcode Viewer.resume}. @default {false} */
  readonly isStalled?: boolean;
}

/** One connection of a viewer. */
export class Viewer implements AsyncDisposable {
  /** What has come so far. */
  readonly frames: ViewedFrame[] = [];
  /** How often the stream has ended. */
  ends = 0;
  /** What went wrong, if anything did. */
  fault: unknown;
  readonly #socket: WebSocket;
  readonly #session: ViewerSession;
  readonly #closed = Promise.withResolvers<void>();
  readonly #watchers = new Set<() => void>();
  #isClosed = false;
  #isStalled: boolean;
  #unconfirmed: number | undefined;

  private constructor(socket: WebSocket, options: ViewerOptions) {
    const { fps = null, maxDelayMs = 60_000, isStalled = false } = options;
    this.#socket = socket;
    this.#session = new ViewerSession({ fps, maxDelayMs });
    this.#isStalled = isStalled;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket.send(this.#session.open());
    socket.onmessage = ({ data }) => this.#take(data);
    socket.onerror = () => {};
    socket.onclose = ({ code, reason }) => {
      this.#isClosed = true;
      this.fault ??= code === 1000
        ? undefined
        : new Error(`the viewer was closed: ${code} ${reason}`);
      this.#closed.resolve();
      this.#look();
    };
  }

  /** Connects to the stream at `url`, and returns when the relay has greeted it. */
  static async join(url: string, options: ViewerOptions = {}): Promise<Viewer> {
    const viewer = new Viewer(new WebSocket(url, SUBPROTOCOL), options);
    await viewer.until(() => viewer.#session.welcome !== undefined);
    return viewer;
  }

  /** Waits until `isReached`; a connection that ends before is an error. */
  async until(isReached: (viewer: this) => boolean): Promise<void> {
    const reached = Promise.withResolvers<void>();
    const look = () => {
      if (this.fault !== undefined) reached.reject(this.fault);
      else if (isReached(this)) reached.resolve();
      else if (this.#isClosed) reached.reject(new Error("the viewer has left"));
    };
    this.#watchers.add(look);
    look();
    try {
      await soon(`a viewer of ${this.#socket.url} to be as in ${isReached}`, reached.promise);
    } finally {
      this.#watchers.delete(look);
    }
  }

  /** Confirms nothing from now on. */
  stall(): void {
    this.#isStalled = true;
  }

  /** Confirms all that has come, and goes on doing so. */
  resume(): void {
    this.#isStalled = false;
    this.#confirm();
  }

  /** Ends the connection. */
  async leave(): Promise<void> {
    this.#socket.close();
    await soon(`the end of the connection to ${this.#socket.url}`, this.#closed.promise);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }

  #take(message: string | ArrayBuffer): void {
    try {
      const bytes = typeof message === "string" ? message : new Uint8Array(message);
      const event = this.#session.receive(bytes, systemClock.wallUs());
      if (event.type === "end") this.ends++;
      if (event.type === "frame") {
        const { header, data, config } = event;
        this.frames.push({ header, data, config });
        this.#unconfirmed = header.sequence;
        if (!this.#isStalled) this.#confirm();
      }
    } catch (error) {
      this.fault ??= error;
    }
    this.#look();
  }

  #confirm(): void {
    if (this.#unconfirmed === undefined || this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(this.#session.acknowledge(this.#unconfirmed));
    this.#unconfirmed = undefined;
  }

  #look(): void {
    for (const look of [...this.#watchers]) look();
  }
}
