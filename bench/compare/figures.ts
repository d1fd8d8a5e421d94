/**
 * What was measured, and how it is written in a table.
 *
 * @module
 */

/** The figures of one run by their name, which tells the unit. */
export type Figures = Readonly<Record<string, number>>;

/** A column of a table: its title, and its text for the figures of all runs. */
export interface Column {
  readonly title: string;
  text(runs: readonly Figures[]): string;
}

/** The number in the middle, or the mean of the two that are; `NaN` where there is none. */
export function medianOf(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? NaN : (low + high) / 2;
}

/** A column with the median of a figure, and the range of all runs where they differ. */
export function median(
  title: string,
  figure: string,
  { digits, unit = 1 }: { readonly digits: number; readonly unit?: number },
): Column {
  return {
    title,
    text: (runs) => {
      const values = runs.map((run) => run[figure]! / unit);
      const text = (value: number) =>
        Number.isNaN(value) ? "–" : value.toLocaleString("en", {
          minimumFractionDigits: digits,
          maximumFractionDigits: digits,
        });
      const [low, high] = [text(Math.min(...values)), text(Math.max(...values))];
      return text(medianOf(values)) + (low === high ? "" : ` (${low}–${high})`);
    },
  };
}

/** In how many runs a figure is not 0. */
export function countOf(title: string, figure: string): Column {
  return {
    title,
    text: (runs) => `${runs.filter((run) => run[figure] !== 0).length} of ${runs.length}`,
  };
}

/** The columns of rows under load. */
export const LOAD_COLUMNS: readonly Column[] = [
  median("CPU a frame, µs", "cpuUsPerFrame", { digits: 1 }),
  median("cores", "cores", { digits: 2 }),
  median("frames/s", "framesPerSecond", { digits: 0 }),
  median("share, %", "share", { digits: 1, unit: 0.01 }),
  median("delay p50, ms", "delayP50Ms", { digits: 2 }),
  median("p99, ms", "delayP99Ms", { digits: 1 }),
  median("max, ms", "delayMaxMs", { digits: 0 }),
  median("peak memory, MB", "peakBytes", { digits: 0, unit: 1e6 }),
  countOf("viewers failed", "failedViewers"),
  countOf("load was the limit", "benchIsBottleneck"),
];

/** The columns of rows that are read over plain HTTP. */
export const HTTP_COLUMNS: readonly Column[] = [
  median("CPU a MB, µs", "cpuUsPerMegabyte", { digits: 0 }),
  median("cores", "cores", { digits: 2 }),
  median("MB/s", "bytesPerSecond", { digits: 0, unit: 1e6 }),
  median("share, %", "share", { digits: 1, unit: 0.01 }),
  median("peak memory, MB", "peakBytes", { digits: 0, unit: 1e6 }),
  countOf("readers failed", "failedReaders"),
  countOf("load was the limit", "benchIsBottleneck"),
];

/** The columns of rows without frames. */
export const IDLE_COLUMNS: readonly Column[] = [
  median("a viewer, kB", "bytesPerViewer", { digits: 1, unit: 1e3 }),
  median("memory before, MB", "beforeBytes", { digits: 0, unit: 1e6 }),
  median("with all, MB", "afterBytes", { digits: 0, unit: 1e6 }),
];

/** A table in Markdown: a line for each case that has run. */
export function markdownTable(
  columns: readonly Column[],
  cases: readonly { readonly name: string; readonly runs: readonly Figures[] }[],
): string {
  const rows = cases
    .filter(({ runs }) => runs.length > 0)
    .map(({ name, runs }) => [name, ...columns.map((column) => column.text(runs))]);
  const titles = ["relay", ...columns.map(({ title }) => title)];
  const widths = titles.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => row[at]!.length))
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at]!)).join(" | ")} |`;
  return [line(titles), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)]
    .join("\n");
}
