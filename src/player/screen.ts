/**
 * A canvas on which the newest picture is drawn at each refresh of the screen.
 *
 * @module
 */
import type { ReceivedFrame } from "./connection.ts";
import type { Picture } from "./pictures.ts";

export interface ScreenEvents {
  readonly onDrawn: (frame: ReceivedFrame, isOtherSize: boolean) => void;
  /** A newer picture came before this one was drawn. */
  readonly onSkipped: () => void;
}

/** Draws pictures; of those that come between two refreshes only the last. */
export class Screen {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #events: ScreenEvents;
  #waiting: Picture | undefined;
  #request = 0;

  constructor(canvas: HTMLCanvasElement, events: ScreenEvents) {
    const context = canvas.getContext("2d", { alpha: false });
    if (context === null) throw new Error("Cannot draw: the canvas has no 2D context");
    this.#canvas = canvas;
    this.#context = context;
    this.#events = events;
  }

  /** Takes a picture to draw, and closes it afterwards. */
  offer(picture: Picture): void {
    if (this.#waiting !== undefined) {
      this.#waiting.close();
      this.#events.onSkipped();
    }
    this.#waiting = picture;
    if (this.#request === 0) this.#request = requestAnimationFrame(() => this.#draw());
  }

  /** Forgets what is not drawn yet; what is drawn stays. */
  clear(): void {
    cancelAnimationFrame(this.#request);
    this.#request = 0;
    this.#waiting?.close();
    this.#waiting = undefined;
  }

  #draw(): void {
    this.#request = 0;
    const picture = this.#waiting;
    this.#waiting = undefined;
    if (picture === undefined) return;
    const { width, height, frame } = picture;
    const isOtherSize = this.#canvas.width !== width || this.#canvas.height !== height;
    if (isOtherSize) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    try {
      picture.draw(this.#context);
    } finally {
      picture.close();
    }
    this.#events.onDrawn(frame, isOtherSize);
  }
}
