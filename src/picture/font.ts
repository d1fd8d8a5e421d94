/**
 * A bitmap font of 5 × 7 cells with the signs that the test pattern writes.
 *
 * @module
 */

/** Cells that a sign is wide. */
export const GLYPH_WIDTH = 5;
/** Cells that a sign is high. */
export const GLYPH_HEIGHT = 7;
/** Cells from the left edge of a sign to that of the next. */
export const GLYPH_ADVANCE = 6;

/** Rows of each sign from the top; bit 4 is the leftmost cell. */
const GLYPHS: ReadonlyMap<string, readonly number[]> = new Map([
  ["0", [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110]],
  ["1", [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110]],
  ["2", [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111]],
  ["3", [0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110]],
  ["4", [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010]],
  ["5", [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110]],
  ["6", [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110]],
  ["7", [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000]],
  ["8", [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110]],
  ["9", [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100]],
  [":", [0b00000, 0b00100, 0b00100, 0b00000, 0b00100, 0b00100, 0b00000]],
  [".", [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b01100, 0b01100]],
  ["C", [0b01110, 0b10001, 0b10000, 0b10000, 0b10000, 0b10001, 0b01110]],
  ["T", [0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100]],
  ["U", [0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110]],
]);

const BLANK: readonly number[] = [];

/** The rows of a sign, bit 4 leftmost; no rows for a space or a sign that the font lacks. */
export function glyphOf(sign: string): readonly number[] {
  return GLYPHS.get(sign) ?? BLANK;
}

/** Cells that `count` signs in a line are wide. */
export function textCells(count: number): number {
  return count * GLYPH_ADVANCE - (GLYPH_ADVANCE - GLYPH_WIDTH);
}
