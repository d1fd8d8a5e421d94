/**
 * Reads the text of a test pattern back from its pixels, as a viewer's picture shows it.
 *
 * @module
 */
import { GLYPH_ADVANCE, GLYPH_HEIGHT, GLYPH_WIDTH, glyphOf } from "../../src/picture/font.ts";
import { COUNTER_DIGITS, patternLayout, type TextPlace } from "../../src/picture/test_pattern.ts";

const DIGITS = "0123456789";
const CLOCK_SHAPE = "00:00:00.000";

/** Cells that may differ from the font, as they do after lossy compression. */
const MAX_WRONG_CELLS = 2;

/** The frame number that a picture of the test pattern in `rgb24` shows, if it can be read. */
export function readCounter(rgb: Uint8Array, width: number, height: number): number | undefined {
  const { counter } = patternLayout({ width, height });
  if (counter === undefined) return undefined;
  const text = readText(rgb, width, counter, Array(COUNTER_DIGITS).fill(DIGITS));
  return text === undefined ? undefined : Number(text);
}

/** The clock `HH:MM:SS.mmm` that a picture of the test pattern in `rgb24` shows. */
export function readClock(rgb: Uint8Array, width: number, height: number): string | undefined {
  const { clock } = patternLayout({ width, height });
  if (clock === undefined) return undefined;
  return readText(rgb, width, clock, [...CLOCK_SHAPE].map((sign) => sign === "0" ? DIGITS : sign));
}

function readText(
  rgb: Uint8Array,
  width: number,
  place: TextPlace,
  alphabets: readonly string[],
): string | undefined {
  let text = "";
  for (const [index, alphabet] of alphabets.entries()) {
    const seen = readCells(rgb, width, {
      ...place,
      x: place.x + index * GLYPH_ADVANCE * place.scale,
    });
    const ranked = [...alphabet]
      .map((sign) => ({ sign, wrong: wrongCells(seen, glyphOf(sign)) }))
      .sort((a, b) => a.wrong - b.wrong);
    const best = ranked[0];
    if (best === undefined || best.wrong > MAX_WRONG_CELLS) return undefined;
    text += best.sign;
  }
  return text;
}

function readCells(rgb: Uint8Array, width: number, { x, y, scale }: TextPlace): number[] {
  const half = scale >> 1;
  return Array.from({ length: GLYPH_HEIGHT }, (_, row) => {
    let cells = 0;
    for (let cell = 0; cell < GLYPH_WIDTH; cell++) {
      const at = ((y + row * scale + half) * width + x + cell * scale + half) * 3;
      const sum = (rgb[at] ?? 0) + (rgb[at + 1] ?? 0) + (rgb[at + 2] ?? 0);
      cells = cells << 1 | (sum > 3 * 128 ? 1 : 0);
    }
    return cells;
  });
}

function wrongCells(seen: readonly number[], glyph: readonly number[]): number {
  return seen.reduce((sum, cells, row) => sum + countBits(cells ^ (glyph[row] ?? 0)), 0);
}

function countBits(value: number): number {
  return value === 0 ? 0 : (value & 1) + countBits(value >> 1);
}
