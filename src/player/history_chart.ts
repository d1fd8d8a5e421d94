/**
 * The chart of a stream's last minutes: frame rate and bit rate as lines, drops as marks.
 *
 * @module
 */
import { count } from "./figures.ts";
import { HISTORY_MS, type Sample } from "./history.ts";
import { bitRate } from "./numbers.ts";

/** Between moments that lie further apart, nothing is known. In milliseconds. */
const GAP_MS = 15_000;
/** The least time from edge to edge. */
const LEAST_MS = 60_000;
/** The least rates that are as high as the chart. */
const LEAST_FPS = 5;
const LEAST_BYTES = 1000;
/** Room above the highest value, as a part of the height. */
const HEADROOM = 0.12;
/** Least height of a mark, as a part of the height. */
const LEAST_MARK = 0.25;

export type Line = [x: number, y: number][];

/** What is to be drawn, in a square of side 1 with the origin at the top left. */
export interface Shape {
  readonly fps: Line[];
  readonly bits: Line[];
  readonly drops: [x: number, height: number][];
  /** Height at which the wanted frame rate lies. */
  readonly target: number | undefined;
}

/** Lays a chart out. */
export function shapeOf(samples: readonly Sample[], { nowMs, fps }: {
  /** At the right edge. */
  readonly nowMs: number;
  /** The frame rate that is wanted. */
  readonly fps: number | "source" | undefined;
}): Shape {
  const wanted = typeof fps === "number" ? fps : 0;
  const topFps = highest(samples, "framesPerSecond", Math.max(LEAST_FPS, wanted));
  const topBytes = highest(samples, "bytesPerSecond", LEAST_BYTES);
  const topDrops = highest(samples, "dropped", 1);
  const widthMs = Math.min(HISTORY_MS, Math.max(LEAST_MS, nowMs - (samples[0]?.atMs ?? nowMs)));
  const shape: Shape = {
    fps: [],
    bits: [],
    drops: [],
    target: wanted > 0 ? y(wanted, topFps) : undefined,
  };
  let beforeMs = -Infinity;
  for (const { atMs, framesPerSecond, bytesPerSecond, dropped } of samples) {
    const x = 1 - (nowMs - atMs) / widthMs;
    if (atMs - beforeMs > GAP_MS) {
      shape.fps.push([]);
      shape.bits.push([]);
    }
    beforeMs = atMs;
    shape.fps.at(-1)?.push([x, y(framesPerSecond, topFps)]);
    shape.bits.at(-1)?.push([x, y(bytesPerSecond, topBytes)]);
    if (dropped > 0) {
      const part = Math.log1p(dropped) / Math.log1p(topDrops);
      shape.drops.push([x, LEAST_MARK + part * (1 - LEAST_MARK - HEADROOM)]);
    }
  }
  return shape;
}

function highest(
  samples: readonly Sample[],
  field: "framesPerSecond" | "bytesPerSecond" | "dropped",
  least: number,
): number {
  return samples.reduce((top, sample) => Math.max(top, sample[field]), least);
}

function y(value: number, top: number): number {
  return 1 - value / top * (1 - HEADROOM);
}

/** A chart in words. */
export function describeChart(samples: readonly Sample[]): string {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined || first === last) return "No history yet";
  const seconds = Math.round((last.atMs - first.atMs) / 1000);
  const time = seconds < 90 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`;
  const fps = samples.map(({ framesPerSecond }) => framesPerSecond);
  const bits = samples.map(({ bytesPerSecond }) => bytesPerSecond * 8);
  const drops = samples.reduce((sum, { dropped }) => sum + dropped, 0);
  return `The last ${time}: ${Math.min(...fps).toFixed(0)} to ${Math.max(...fps).toFixed(0)} ` +
    `frames a second, ${bitRate(Math.min(...bits))} to ${bitRate(Math.max(...bits))}, ` +
    `${count(drops)} dropped`;
}

/** Colours of the page. */
export interface Palette {
  readonly fps: string;
  readonly bits: string;
  readonly drops: string;
  readonly line: string;
}

/** Draws a chart over the whole canvas. */
export function drawShape(canvas: HTMLCanvasElement, shape: Shape, palette: Palette): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  const { width, height } = canvas;
  const pixel = globalThis.devicePixelRatio;
  context.clearRect(0, 0, width, height);
  context.lineJoin = "round";
  context.lineWidth = pixel;
  context.strokeStyle = palette.line;
  context.stroke(level(1 - pixel / 2 / height, width, height));
  if (shape.target !== undefined) {
    context.setLineDash([2 * pixel, 3 * pixel]);
    context.stroke(level(shape.target, width, height));
    context.setLineDash([]);
  }
  for (const line of shape.bits) {
    const path = trace(line, width, height);
    const area = new Path2D(path);
    area.lineTo((line.at(-1)?.[0] ?? 0) * width, height);
    area.lineTo((line[0]?.[0] ?? 0) * width, height);
    context.fillStyle = palette.bits;
    context.globalAlpha = 0.16;
    context.fill(area);
    context.globalAlpha = 1;
    context.strokeStyle = palette.bits;
    context.stroke(path);
  }
  context.fillStyle = palette.drops;
  for (const [x, part] of shape.drops) {
    context.fillRect(Math.round(x * width - pixel), height * (1 - part), 2 * pixel, height * part);
  }
  context.lineWidth = 1.5 * pixel;
  context.strokeStyle = palette.fps;
  for (const line of shape.fps) context.stroke(trace(line, width, height));
}

function trace(line: Line, width: number, height: number): Path2D {
  const path = new Path2D();
  // A single moment is a short line.
  if (line.length === 1) path.moveTo((line[0]?.[0] ?? 0) * width - 2, (line[0]?.[1] ?? 0) * height);
  for (const [x, y] of line) path.lineTo(x * width, y * height);
  return path;
}

function level(y: number, width: number, height: number): Path2D {
  const path = new Path2D();
  path.moveTo(0, y * height);
  path.lineTo(width, y * height);
  return path;
}
