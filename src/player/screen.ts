// @ts-check
/// <reference lib="dom" />
/**
 * A canvas on which the newest picture is drawn at each refresh of the screen.
 *
 * @module
 */

/** @typedef {import("./pictures.js").Picture} Picture */
/** @typedef {import("./connection.js").ReceivedFrame} ReceivedFrame */

/**
 * @typedef {object} ScreenEvents
 * @property {(frame: ReceivedFrame, isOtherSize: boolean) => void} onDrawn
 * @property {() => void} onSkipped a newer picture came before this one was drawn
 */

/** Draws pictures; of those that come between two refreshes only the last. */
export class Screen {
  /** @readonly @type {HTMLCanvasElement} */ #canvas;
  /** @readonly @type {CanvasRenderingContext2D} */ #context;
  /** @readonly @type {ScreenEvents} */ #events;
  /** @type {Picture | undefined} */ #waiting;
  #request = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {ScreenEvents} events
   */
  constructor(canvas, events) {
    const context = canvas.getContext("2d", { alpha: false });
    if (context === null) throw new Error("Cannot draw: the canvas has no 2D context");
    this.#canvas = canvas;
    this.#context = context;
    this.#events = events;
  }

  /**
   * Takes a picture to draw, and closes it afterwards.
   *
   * @param {Picture} picture
   */
  offer(picture) {
    if (this.#waiting !== undefined) {
      this.#waiting.close();
      this.#events.onSkipped();
    }
    this.#waiting = picture;
    if (this.#request === 0) this.#request = requestAnimationFrame(() => this.#draw());
  }

  /** Forgets what is not drawn yet; what is drawn stays. */
  clear() {
    cancelAnimationFrame(this.#request);
    this.#request = 0;
    this.#waiting?.close();
    this.#waiting = undefined;
  }

  #draw() {
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
