/**
 * The numbers of a player: what it does, where the delay comes from, and the last minute as charts.
 *
 * @module
 */
import { CHART_SECONDS, drawChart } from "./chart.ts";
import { element } from "./elements.ts";
import { dropReason, formatName } from "./sentences.ts";
import type { StreamPlayerElement } from "./element.ts";
import { wayName } from "./ways.ts";
import type { PlayerStats } from "./stream_player.ts";

/** How often the numbers change while they are shown, in milliseconds. */
const REFRESH_MS = 500;
const SAMPLE_MS = 1000;

const PARTS = ["publisher", "relay", "network", "viewer"] as const;

/** Keeps the last minute, and shows the numbers while they are wanted. */
export class Numbers {
  readonly #player: StreamPlayerElement;
  #rates: (number | undefined)[] = [];
  #delays: (number | undefined)[] = [];
  #refreshing: ReturnType<typeof setInterval> | undefined;

  constructor(player: StreamPlayerElement) {
    this.#player = player;
    setInterval(() => this.#sample(), SAMPLE_MS);
  }

  /** Whether they are shown. */
  get isShown(): boolean {
    return this.#refreshing !== undefined;
  }

  /** Shows them, or hides them. */
  toggle(): void {
    const isShown = !this.isShown;
    clearInterval(this.#refreshing);
    element("numbers").hidden = !isShown;
    this.#refreshing = isShown ? setInterval(() => this.#refresh(), REFRESH_MS) : undefined;
    if (!isShown) return;
    this.#refresh();
    this.#drawCharts();
  }

  #sample(): void {
    const { framesPerSecond, delay } = this.#player.stats() ?? {};
    const isPlaying = this.#player.state.kind === "playing";
    this.#rates = [...this.#rates, isPlaying ? framesPerSecond : undefined].slice(-CHART_SECONDS);
    this.#delays = [...this.#delays, delay?.totalMs].slice(-CHART_SECONDS);
    if (this.isShown) this.#drawCharts();
  }

  #drawCharts(): void {
    drawChart(element("chart-fps", HTMLCanvasElement), this.#rates, { atLeast: 10 });
    drawChart(element("chart-delay", HTMLCanvasElement), this.#delays, { atLeast: 50 });
  }

  #refresh(): void {
    const stats = this.#player.stats();
    if (stats === undefined) return;
    const { config, width, height, delay, viewers } = stats;
    write("format", config === undefined ? "–" : formatName(config));
    write("way", stats.way === undefined ? "–" : wayName(stats.way));
    write("size", width === 0 ? "–" : `${width} × ${height}`);
    write("bits", bitRate(stats.bitsPerSecond));
    write("fps", `${stats.framesPerSecond.toFixed(1)} fps`);
    write(
      "skipped",
      String(stats.skipped) + (stats.damaged > 0 ? `, ${stats.damaged} damaged` : ""),
    );
    write("missed", missed(stats));
    write("viewers", viewers === undefined ? "–" : String(viewers));
    write("delay", ms(delay?.totalMs));
    for (const [index, part] of PARTS.entries()) {
      const partMs = delay?.[`${part}Ms`];
      write(part, ms(partMs));
      const bar = element("parts").children[index];
      if (bar instanceof HTMLElement) bar.style.flexGrow = String(partMs ?? 0);
    }
  }
}

function write(name: string, text: string): void {
  const place = element(`n-${name}`);
  if (place.textContent !== text) place.textContent = text;
}

/** A time in milliseconds, for people. */
export function ms(value: number | undefined): string {
  if (value === undefined) return "–";
  // Clocks that do not quite agree may make it negative.
  return value < 10_000 ? `${Math.max(0, Math.round(value))} ms` : `${(value / 1000).toFixed(1)} s`;
}

export function bitRate(bitsPerSecond: number): string {
  if (bitsPerSecond < 1e6) return `${Math.round(bitsPerSecond / 1000)} kbit/s`;
  const megabits = bitsPerSecond / 1e6;
  return `${megabits.toFixed(megabits < 100 ? 1 : 0)} Mbit/s`;
}

/** Frames that did not come, with the relay's reasons. */
export function missed({ missed, dropped }: Pick<PlayerStats, "missed" | "dropped">): string {
  const reasons = Object.entries(dropped)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${count} ${dropReason(reason)}`);
  return [String(missed), ...reasons].join(", ");
}
