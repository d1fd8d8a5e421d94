/**
 * The test pattern as the player's canvas shows it: which frame, and how old.
 *
 * @module
 */
import { GLYPH_ADVANCE, GLYPH_HEIGHT, GLYPH_WIDTH, glyphOf } from "../../src/picture/font.ts";
import { COUNTER_DIGITS, patternLayout, type TextPlace } from "../../src/picture/test_pattern.ts";
import type { OpenPage } from "./browser.ts";

const DIGITS = "0123456789";
const CLOCK = "00:00:00.000";
/** Cells that may differ from the font after lossy compression. */
const MAX_WRONG_CELLS = 2;
const DAY_MS = 86_400_000;

/** One picture as it was seen. */
export interface Sight {
  /** Milliseconds since the Unix epoch at which it was first seen. */
  readonly atMs: number;
  /** The number in the picture. */
  readonly counter: number;
  /** The age of the clock in the picture, in milliseconds. */
  readonly ageMs: number;
  /** What the player itself says of the delay at that time, in milliseconds; `NaN` if nothing. */
  readonly saidMs: number;
}

interface RawSight {
  readonly atMs: number;
  readonly said: string;
  readonly cells: string;
}

/** Looks at the canvas at each refresh for `ms` milliseconds, or until `count` pictures were seen. */
export async function watchPattern(
  page: OpenPage,
  { width, height, ms, count = Infinity }: {
    width: number;
    height: number;
    ms: number;
    count?: number;
  },
): Promise<Sight[]> {
  const { counter, clock } = patternLayout({ width, height });
  if (counter === undefined || clock === undefined) throw new Error("the pattern is too small");
  const points = [
    ...cellsOf(counter, COUNTER_DIGITS),
    ...cellsOf(clock, CLOCK.length),
  ];
  const raw = await page.evaluate(look, {
    points,
    ms,
    count: Math.min(count, 1e9),
    size: { width, height },
  });
  return raw.flatMap((sight) => {
    const seen = read(sight);
    return seen === undefined ? [] : [seen];
  });
}

/** The middles of the cells of a line of text, sign by sign. */
function cellsOf({ x, y, scale }: TextPlace, signs: number): { x: number; y: number }[] {
  const half = scale >> 1;
  return Array.from({ length: signs * GLYPH_WIDTH * GLYPH_HEIGHT }, (_, index) => {
    const sign = Math.floor(index / (GLYPH_WIDTH * GLYPH_HEIGHT));
    const [row, column] = [Math.floor(index / GLYPH_WIDTH) % GLYPH_HEIGHT, index % GLYPH_WIDTH];
    return {
      x: x + (sign * GLYPH_ADVANCE + column) * scale + half,
      y: y + row * scale + half,
    };
  });
}

/** Runs in the page. */
async function look(
  { points, ms, count, size }: {
    points: { x: number; y: number }[];
    ms: number;
    count: number;
    size: { width: number; height: number };
  },
): Promise<RawSight[]> {
  const canvas = document.querySelector("stream-player")!.shadowRoot!.querySelector("canvas")!;
  const delay = document.getElementById("n-delay")!;
  const top = Math.min(...points.map(({ y }) => y));
  const context = canvas.getContext("2d")!;
  const sights: RawSight[] = [];
  const untilMs = performance.now() + ms;
  let last = "";
  while (performance.now() < untilMs && sights.length < count) {
    await new Promise(requestAnimationFrame);
    if (canvas.width !== size.width || canvas.height !== size.height) continue;
    const { data } = context.getImageData(0, top, size.width, size.height - top);
    const atMs = performance.timeOrigin + performance.now();
    let cells = "";
    for (const { x, y } of points) {
      const at = ((y - top) * size.width + x) * 4;
      cells += data[at]! + data[at + 1]! + data[at + 2]! > 384 ? "1" : "0";
    }
    if (cells === last) continue;
    last = cells;
    sights.push({ atMs, said: delay.textContent!, cells });
  }
  return sights;
}

function read({ atMs, said, cells }: RawSight): Sight | undefined {
  const perSign = GLYPH_WIDTH * GLYPH_HEIGHT;
  const signs = cells.match(new RegExp(`.{${perSign}}`, "g")) ?? [];
  const text = signs.map((sign, index) => {
    const shape = CLOCK[index - COUNTER_DIGITS] ?? "0";
    const ranked = [...shape === "0" ? DIGITS : shape]
      .map((digit) => ({ digit, wrong: wrongCells(sign, digit) }))
      .sort((a, b) => a.wrong - b.wrong)[0]!;
    return ranked.wrong <= MAX_WRONG_CELLS ? ranked.digit : "?";
  }).join("");
  const match = /^(\d{8})(\d\d):(\d\d):(\d\d)\.(\d{3})$/.exec(text);
  if (match === null) return undefined;
  const [counter, hours, minutes, seconds, millis] = match.slice(1).map(Number);
  const clockMs = ((hours! * 60 + minutes!) * 60 + seconds!) * 1000 + millis!;
  const ageMs = (atMs % DAY_MS - clockMs + 1.5 * DAY_MS) % DAY_MS - DAY_MS / 2;
  return { atMs, counter: counter!, ageMs, saidMs: parseFloat(said) };
}

function wrongCells(cells: string, digit: string): number {
  const glyph = glyphOf(digit);
  let wrong = 0;
  for (let row = 0; row < GLYPH_HEIGHT; row++) {
    for (let column = 0; column < GLYPH_WIDTH; column++) {
      const isSet = (glyph[row] ?? 0) >> (GLYPH_WIDTH - 1 - column) & 1;
      if (cells[row * GLYPH_WIDTH + column] !== String(isSet)) wrong++;
    }
  }
  return wrong;
}

/** Pictures between the first and the last that were not seen. */
export function missedIn(sights: readonly Sight[]): number {
  const counters = new Set(sights.map(({ counter }) => counter));
  return Math.max(...counters) - Math.min(...counters) + 1 - counters.size;
}

/** The middle one of some numbers. */
export function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}
