/**
 * A small chart of the last minute.
 *
 * @module
 */

/** Values that a chart shows: one a second. */
export const CHART_SECONDS = 60;

/**
 * Draws `values` (the newest last; `undefined` for gaps) as a line from zero, in the colours of the
 * page. The chart is at least `atLeast` high.
 */
export function drawChart(
  canvas: HTMLCanvasElement,
  values: readonly (number | undefined)[],
  { atLeast }: { readonly atLeast: number },
): void {
  const ratio = globalThis.devicePixelRatio;
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  const context = canvas.getContext("2d");
  if (context === null || width === 0) return;
  canvas.width = width;
  canvas.height = height;
  const style = getComputedStyle(canvas);
  const colour = style.color;
  context.strokeStyle = style.borderBottomColor;
  context.lineWidth = ratio;
  context.beginPath();
  context.moveTo(0, height - ratio / 2);
  context.lineTo(width, height - ratio / 2);
  context.stroke();

  const shown = values.slice(-CHART_SECONDS);
  const known = shown.filter((value) => value !== undefined);
  const top = Math.max(atLeast, ...known) * 1.1;
  const step = width / (CHART_SECONDS - 1);
  const first = CHART_SECONDS - shown.length;
  const place = (value: number) => height - ratio - value / top * (height - 3 * ratio);
  context.strokeStyle = colour;
  context.fillStyle = colour;
  context.lineWidth = 1.5 * ratio;
  context.lineJoin = "round";
  for (const [from, run] of runs(shown)) {
    const line = new Path2D();
    const left = (first + from) * step;
    // A single value is a short line.
    line.moveTo(left - (run.length === 1 ? step / 2 : 0), place(run[0] ?? 0));
    for (const [index, value] of run.entries()) line.lineTo(left + index * step, place(value));
    const area = new Path2D(line);
    area.lineTo(left + (run.length - 1) * step, height);
    area.lineTo(left, height);
    context.globalAlpha = 0.14;
    context.fill(area);
    context.globalAlpha = 1;
    context.stroke(line);
  }
}

/** The runs of values that are known, each with where it begins. */
export function runs(values: readonly (number | undefined)[]): [from: number, run: number[]][] {
  const found: [number, number[]][] = [];
  let run: number[] | undefined;
  for (const [index, value] of values.entries()) {
    if (value === undefined) {
      run = undefined;
    } else if (run === undefined) {
      run = [value];
      found.push([index, run]);
    } else {
      run.push(value);
    }
  }
  return found;
}
