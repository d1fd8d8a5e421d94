// @ts-check
/// <reference lib="dom" />
/**
 * The numbers of a player: what it does, where the delay comes from, and the last minute as charts.
 *
 * @module
 */
import { CHART_SECONDS, drawChart } from "./chart.js";
import { element } from "./elements.js";
import { dropReason, formatName } from "./sentences.js";

/** @typedef {import("./stream_player.js").StreamPlayer} StreamPlayer */
/** @typedef {import("./stream_player.js").PlayerStats} PlayerStats */

/** How often the numbers change while they are shown, in milliseconds. */
const REFRESH_MS = 500;
const SAMPLE_MS = 1000;

const PARTS = /** @type {const} */ (["publisher", "relay", "network", "viewer"]);

/** Keeps the last minute, and shows the numbers while they are wanted. */
export class Numbers {
  /** @readonly @type {StreamPlayer} */ #player;
  /** @type {(number | undefined)[]} */ #rates = [];
  /** @type {(number | undefined)[]} */ #delays = [];
  /** @type {ReturnType<typeof setInterval> | undefined} */ #refreshing;

  /** @param {StreamPlayer} player */
  constructor(player) {
    this.#player = player;
    setInterval(() => this.#sample(), SAMPLE_MS);
  }

  /**
   * Whether they are shown.
   *
   * @returns {boolean}
   */
  get isShown() {
    return this.#refreshing !== undefined;
  }

  /** Shows them, or hides them. */
  toggle() {
    const isShown = !this.isShown;
    clearInterval(this.#refreshing);
    element("numbers").hidden = !isShown;
    this.#refreshing = isShown ? setInterval(() => this.#refresh(), REFRESH_MS) : undefined;
    if (!isShown) return;
    this.#refresh();
    this.#drawCharts();
  }

  #sample() {
    const { framesPerSecond, delay } = this.#player.stats();
    const isPlaying = this.#player.state.kind === "playing";
    this.#rates = [...this.#rates, isPlaying ? framesPerSecond : undefined].slice(-CHART_SECONDS);
    this.#delays = [...this.#delays, delay?.totalMs].slice(-CHART_SECONDS);
    if (this.isShown) this.#drawCharts();
  }

  #drawCharts() {
    drawChart(element("chart-fps", HTMLCanvasElement), this.#rates, { atLeast: 10 });
    drawChart(element("chart-delay", HTMLCanvasElement), this.#delays, { atLeast: 50 });
  }

  #refresh() {
    const stats = this.#player.stats();
    const { config, width, height, delay, viewers } = stats;
    write("format", config === undefined ? "–" : formatName(config));
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

/**
 * @param {string} name
 * @param {string} text
 */
function write(name, text) {
  const place = element(`n-${name}`);
  if (place.textContent !== text) place.textContent = text;
}

/**
 * A time for people.
 *
 * @param {number | undefined} value in milliseconds
 * @returns {string}
 */
export function ms(value) {
  if (value === undefined) return "–";
  // Clocks that do not quite agree may make it negative.
  return value < 10_000 ? `${Math.max(0, Math.round(value))} ms` : `${(value / 1000).toFixed(1)} s`;
}

/**
 * @param {number} bitsPerSecond
 * @returns {string}
 */
export function bitRate(bitsPerSecond) {
  if (bitsPerSecond < 1e6) return `${Math.round(bitsPerSecond / 1000)} kbit/s`;
  const megabits = bitsPerSecond / 1e6;
  return `${megabits.toFixed(megabits < 100 ? 1 : 0)} Mbit/s`;
}

/**
 * Frames that did not come, with the relay's reasons.
 *
 * @param {Pick<PlayerStats, "missed" | "dropped">} stats
 * @returns {string}
 */
export function missed({ missed, dropped }) {
  const reasons = Object.entries(dropped)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${count} ${dropReason(reason)}`);
  return [String(missed), ...reasons].join(", ");
}
