// @ts-check
/// <reference lib="dom" />
/**
 * The cards of all streams, in the relay's order.
 *
 * @module
 */
import { Card } from "./card.js";
import { History } from "./history.js";
import { Scaler } from "./thumbnail.js";

/** @typedef {import("./status.js").Status} Status */

/** How long a stream may be missing after the relay was away, for its publisher to come back. */
const RETURN_MS = 5000;
/** Pictures begin a little before their cards come into view. */
const MARGIN = "150px";

/** Keeps the cards of a list. */
export class Grid {
  /** @readonly */ #list;
  /** @readonly */ #template;
  /** @readonly */ #base;
  /** @readonly @type {Map<string, Card>} */ #cards = new Map();
  /** @readonly @type {Map<string, History>} */ #histories = new Map();
  /** @readonly @type {WeakMap<Element, Card>} */ #byElement = new WeakMap();
  /** @readonly */ #scaler = new Scaler();
  /** @readonly */ #inView;
  /** @readonly */ #sizes;
  /** @readonly */ #palette;
  #isAway = false;
  #backMs = -Infinity;
  #request = 0;

  /**
   * @param {HTMLElement} list
   * @param {HTMLTemplateElement} template of a card
   * @param {URL} base the relay's address
   */
  constructor(list, template, base) {
    this.#list = list;
    this.#template = template;
    this.#base = base;
    this.#inView = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        this.#byElement.get(target)?.scrolled(isIntersecting);
      }
      this.#drawSoon();
    }, { rootMargin: MARGIN });
    this.#sizes = new ResizeObserver((entries) => {
      for (const { target, contentBoxSize: [box] } of entries) {
        if (box === undefined || box.inlineSize === 0) continue;
        const [width, height] = [box.inlineSize, box.blockSize].map((side) =>
          Math.round(side * devicePixelRatio)
        );
        this.#byElement.get(target)?.resize(width ?? 0, height ?? 0);
      }
      this.#drawSoon();
    });
    this.#palette = paletteOf(list);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      Object.assign(this.#palette, paletteOf(list));
      this.#drawSoon();
    });
    document.addEventListener("visibilitychange", () => this.#allow());
  }

  /**
   * How many streams this page watches.
   *
   * @returns {number}
   */
  get watching() {
    return [...this.#cards.values()].filter(({ isWatching }) => isWatching).length;
  }

  /**
   * Bytes a second that leave the relay for viewers, in all.
   *
   * @returns {number}
   */
  get sentPerSecond() {
    return [...this.#cards.values()].reduce((sum, card) => sum + card.history.sentPerSecond(), 0);
  }

  /**
   * The names of the streams that are shown.
   *
   * @returns {string[]}
   */
  get names() {
    return [...this.#cards.keys()];
  }

  /**
   * Shows the streams of an answer: each in its own card, new ones at their places.
   *
   * @param {readonly Status[]} statuses
   */
  update(statuses) {
    const nowMs = performance.now();
    this.#setAway(false, nowMs);
    const names = new Set(statuses.map(({ name }) => name));
    for (const [name, card] of this.#cards) if (!names.has(name)) this.#miss(card, nowMs);
    /** @type {Element | null} */
    let place = this.#list.firstElementChild;
    for (const status of statuses) {
      const card = this.#cards.get(status.name) ?? this.#create(status);
      card.history.add(status, nowMs);
      card.setAway(false);
      card.update(status);
      // One that waits for its publisher keeps its place.
      while (place !== null && place !== card.element && !names.has(this.#nameAt(place))) {
        place = place.nextElementSibling;
      }
      if (place === card.element) place = place.nextElementSibling;
      else this.#list.insertBefore(card.element, place);
    }
    for (const [name, history] of this.#histories) {
      if (!history.forget(nowMs) && !this.#cards.has(name)) this.#histories.delete(name);
    }
    this.#drawSoon();
  }

  /** The relay does not answer: what is shown stays, and is not of now. */
  leave() {
    this.#setAway(true, performance.now());
    for (const card of this.#cards.values()) card.setAway(true);
  }

  /**
   * @param {boolean} isAway
   * @param {number} nowMs
   */
  #setAway(isAway, nowMs) {
    if (this.#isAway && !isAway) this.#backMs = nowMs;
    this.#isAway = isAway;
    this.#allow();
  }

  #allow() {
    const mayWatch = !this.#isAway && !document.hidden;
    for (const card of this.#cards.values()) card.allow(mayWatch);
    if (mayWatch) this.#drawSoon();
  }

  /**
   * @param {Status} status
   * @returns {Card}
   */
  #create(status) {
    const { name } = status;
    const history = this.#histories.get(name) ?? new History();
    this.#histories.set(name, history);
    const card = new Card({
      template: this.#template,
      status,
      history,
      base: this.#base,
      scaler: this.#scaler,
    });
    this.#cards.set(name, card);
    this.#byElement.set(card.element, card);
    this.#byElement.set(card.chart, card);
    this.#inView.observe(card.element);
    this.#sizes.observe(card.chart);
    card.allow(!this.#isAway && !document.hidden);
    return card;
  }

  /**
   * A stream is not in the answer.
   *
   * @param {Card} card
   * @param {number} nowMs
   */
  #miss(card, nowMs) {
    if (nowMs - this.#backMs < RETURN_MS) {
      card.setAway(true);
      return;
    }
    const { element } = card;
    card.close();
    this.#inView.unobserve(element);
    this.#sizes.unobserve(card.chart);
    this.#cards.delete(card.name);
    if (element.contains(document.activeElement)) {
      const neighbour = element.nextElementSibling ?? element.previousElementSibling;
      const link = neighbour?.querySelector(".name");
      if (link instanceof HTMLElement) link.focus();
    }
    element.remove();
  }

  /**
   * @param {Element} element
   * @returns {string}
   */
  #nameAt(element) {
    return this.#byElement.get(element)?.name ?? "";
  }

  /** Draws the charts that are in view before the screen is next painted. */
  #drawSoon() {
    if (this.#request !== 0 || document.hidden) return;
    this.#request = requestAnimationFrame(() => {
      this.#request = 0;
      const nowMs = performance.now();
      for (const card of this.#cards.values()) {
        if (card.isInView) card.draw(this.#palette, nowMs);
      }
    });
  }
}

/**
 * The colours of charts, as the page has them.
 *
 * @param {Element} element
 * @returns {import("./history_chart.js").Palette}
 */
function paletteOf(element) {
  const style = getComputedStyle(element);
  // A property that is not registered keeps its `light-dark()`: colours are resolved by `color`s.
  return {
    fps: style.color,
    bits: style.borderTopColor,
    drops: style.borderRightColor,
    line: style.borderBottomColor,
  };
}
