/**
 * A moving test pattern: colour bars, a box that moves evenly, a frame counter and a clock.
 *
 * @module
 */
import { HEADROOM_BYTES } from "../bytes/headroom.ts";
import { StreamError } from "../errors.ts";
import { GLYPH_ADVANCE, GLYPH_HEIGHT, GLYPH_WIDTH, glyphOf, textCells } from "./font.ts";

/** Width and height of a picture in pixels. */
export interface PatternSize {
  readonly width: number;
  readonly height: number;
}

/** A line of text in the picture. */
export interface TextPlace {
  /** Pixels from the left edge of the picture to the first sign. */
  readonly x: number;
  /** Pixels from the top of the picture to the first sign. */
  readonly y: number;
  /** Pixels that a cell of the font is wide and high. */
  readonly scale: number;
}

/** Where the parts of the pattern are, in pixels; the bars fill what lies above the lane. */
export interface PatternLayout {
  /** Top of the lane in which the box moves. */
  readonly laneTop: number;
  /** Top of the dark band that bears the text; it reaches to the bottom. */
  readonly bandTop: number;
  /** Width of the box. */
  readonly boxWidth: number;
  /** Pixels that the box moves to the right from each frame to the next, around the edge. */
  readonly boxStep: number;
  /** Frame counter; `undefined` where the picture is too small for it. */
  readonly counter: TextPlace | undefined;
  /** Clock; `undefined` where the picture is too small for it. */
  readonly clock: TextPlace | undefined;
}

/** What one picture of the pattern shows. */
export interface PatternMoment {
  /** Number of the frame, an integer from 0. */
  readonly frame: number;
  /** Time of day, in milliseconds since the Unix epoch. */
  readonly wallMs: number;
}

/** Size of the test pattern where none is asked for. */
export const DEFAULT_PATTERN_SIZE: PatternSize = { width: 640, height: 360 };

/** Largest width and height of a test pattern in pixels. */
export const MAX_PATTERN_SIDE = 7680;

/** Digits of the frame counter, which shows the frame number modulo 10 to their power. */
export const COUNTER_DIGITS = 8;

/** Signs of the clock: `HH:MM:SS.mmm UTC`. */
const CLOCK_SIGNS = 16;

const CHANNELS = 3;
const WHITE = 255;
const BAND_LEVEL = 16;
const DAY_MS = 86_400_000;

type Colour = readonly [red: number, green: number, blue: number];

const GRAY: Colour = [191, 191, 191];
const YELLOW: Colour = [191, 191, 0];
const CYAN: Colour = [0, 191, 191];
const GREEN: Colour = [0, 191, 0];
const MAGENTA: Colour = [191, 0, 191];
const RED: Colour = [191, 0, 0];
const BLUE: Colour = [0, 0, 191];
const BLACK: Colour = [0, 0, 0];

/** Colour bars of 75 % and the strip under them (SMPTE EG 1). */
const BARS: readonly Colour[] = [GRAY, YELLOW, CYAN, GREEN, MAGENTA, RED, BLUE];
const STRIP: readonly Colour[] = [BLUE, BLACK, MAGENTA, BLACK, CYAN, BLACK, GRAY];

/** Where the parts of a pattern of that size are. */
export function patternLayout({ width, height }: PatternSize): PatternLayout {
  const band = Math.round(height * 0.36);
  const lane = Math.min(height - band, Math.max(1, Math.round(height / 12)));
  const bandTop = height - band;
  // Counter, gap and clock take 12 cells of the counter's size; the rest is margin.
  const fitting = Math.floor(Math.min(width * 0.9 / textCells(COUNTER_DIGITS), band / 15));
  const scale = Math.max(1, fitting);
  const clockScale = Math.max(1, scale >> 1);
  const counterWidth = textCells(COUNTER_DIGITS) * scale;
  const counterHeight = GLYPH_HEIGHT * scale;
  const clockWidth = textCells(CLOCK_SIGNS) * clockScale;
  const gap = 3 * clockScale;
  const bothHeight = counterHeight + gap + GLYPH_HEIGHT * clockScale;
  const hasCounter = counterWidth + 2 <= width && counterHeight + 2 <= band;
  const hasClock = hasCounter && clockWidth + 2 <= width && bothHeight + 2 <= band;
  const top = bandTop + ((band - (hasClock ? bothHeight : counterHeight)) >> 1);
  return {
    laneTop: bandTop - lane,
    bandTop,
    boxWidth: Math.min(width, Math.max(2, lane)),
    boxStep: Math.max(1, Math.round(width / 160)),
    counter: hasCounter ? { x: (width - counterWidth) >> 1, y: top, scale } : undefined,
    clock: hasClock
      ? { x: (width - clockWidth) >> 1, y: top + counterHeight + gap, scale: clockScale }
      : undefined,
  };
}

/** Draws the frames of a test pattern of one size. */
export class TestPattern {
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  readonly #layout: PatternLayout;
  /** What does not move, with the headroom of a frame before it. */
  readonly #background: Uint8Array<ArrayBuffer>;

  /**
   * @throws {StreamError} `usage`, when a side is not an integer from 1 to
   * {@linkcode MAX_PATTERN_SIDE}.
   */
  constructor({ width, height }: PatternSize) {
    for (const side of [width, height]) {
      if (!Number.isInteger(side) || side < 1 || side > MAX_PATTERN_SIDE) {
        throw new StreamError(
          "usage",
          `Cannot draw a test pattern of ${width}x${height} pixels: ` +
            `each side must be an integer from 1 to ${MAX_PATTERN_SIDE}`,
        );
      }
    }
    this.width = width;
    this.height = height;
    this.#layout = patternLayout({ width, height });
    this.#background = new Uint8Array(HEADROOM_BYTES + width * height * CHANNELS);
    this.#drawBackground(this.#background.subarray(HEADROOM_BYTES));
  }

  /**
   * One picture in `rgb24`, with `HEADROOM_BYTES` free bytes before it in the same `ArrayBuffer`.
   * The caller owns it.
   */
  render({ frame, wallMs }: PatternMoment): Uint8Array<ArrayBuffer> {
    const pixels = this.#background.slice().subarray(HEADROOM_BYTES);
    const { counter, clock } = this.#layout;
    this.#drawBox(pixels, frame);
    if (counter !== undefined) {
      const shown = String(frame % 10 ** COUNTER_DIGITS).padStart(COUNTER_DIGITS, "0");
      this.#drawText(pixels, shown, counter);
    }
    if (clock !== undefined) this.#drawText(pixels, `${timeOfDay(wallMs)} UTC`, clock);
    return pixels;
  }

  #drawBackground(pixels: Uint8Array): void {
    const { laneTop, bandTop } = this.#layout;
    const rowBytes = this.width * CHANNELS;
    // The strip comes second: it takes the row that bars without height leave.
    this.#drawStripes(pixels, BARS, 0, laneTop);
    this.#drawStripes(pixels, STRIP, laneTop, bandTop);
    pixels.fill(BAND_LEVEL, bandTop * rowBytes);
  }

  #drawStripes(pixels: Uint8Array, colours: readonly Colour[], top: number, bottom: number): void {
    const rowBytes = this.width * CHANNELS;
    const first = top * rowBytes;
    for (let x = 0; x < this.width; x++) {
      const colour = colours[Math.floor(x * colours.length / this.width)] ?? BLACK;
      pixels.set(colour, first + x * CHANNELS);
    }
    for (let y = top + 1; y < bottom; y++) {
      pixels.copyWithin(y * rowBytes, first, first + rowBytes);
    }
  }

  #drawBox(pixels: Uint8Array, frame: number): void {
    const { laneTop, bandTop, boxWidth, boxStep } = this.#layout;
    const left = (frame % this.width) * boxStep % this.width;
    const height = bandTop - laneTop;
    const beforeEdge = Math.min(boxWidth, this.width - left);
    this.#drawWhite(pixels, left, laneTop, beforeEdge, height);
    this.#drawWhite(pixels, 0, laneTop, boxWidth - beforeEdge, height);
  }

  #drawText(pixels: Uint8Array, text: string, place: TextPlace): void {
    const { y, scale } = place;
    let x = place.x;
    for (const sign of text) {
      for (const [row, cells] of glyphOf(sign).entries()) {
        let run = 0;
        // The cell past the last is never set: it ends a run that reaches the right edge.
        for (let cell = 0; cell <= GLYPH_WIDTH; cell++) {
          if (cell < GLYPH_WIDTH && (cells >> (GLYPH_WIDTH - 1 - cell) & 1) === 1) {
            run++;
          } else if (run > 0) {
            this.#drawWhite(pixels, x + (cell - run) * scale, y + row * scale, run * scale, scale);
            run = 0;
          }
        }
      }
      x += GLYPH_ADVANCE * scale;
    }
  }

  #drawWhite(pixels: Uint8Array, x: number, y: number, width: number, height: number): void {
    for (let row = y; row < y + height; row++) {
      const start = (row * this.width + x) * CHANNELS;
      pixels.fill(WHITE, start, start + width * CHANNELS);
    }
  }
}

/** `HH:MM:SS.mmm` of an instant in UTC. */
function timeOfDay(wallMs: number): string {
  const ms = ((Math.floor(wallMs) % DAY_MS) + DAY_MS) % DAY_MS;
  const part = (value: number, digits: number): string => String(value).padStart(digits, "0");
  const hours = part(Math.floor(ms / 3_600_000), 2);
  const minutes = part(Math.floor(ms / 60_000) % 60, 2);
  const seconds = part(Math.floor(ms / 1000) % 60, 2);
  return `${hours}:${minutes}:${seconds}.${part(ms % 1000, 3)}`;
}
