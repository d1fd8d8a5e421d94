/**
 * The cards of all streams, in the relay's order.
 *
 * @module
 */
import type { Entry } from "./entry.ts";
import { Card } from "./card.ts";
import { History } from "./history.ts";
import type { Palette } from "./history_chart.ts";
import type { Status } from "./status.ts";
import { Scaler } from "./thumbnail.ts";

/** How long a stream may be missing after the relay was away, for its publisher to come back. */
const RETURN_MS = 5000;
/** Pictures begin a little before their cards come into view. */
const MARGIN = "150px";

/** Keeps the cards of a list. */
export class Grid {
  readonly #list: HTMLElement;
  readonly #template: HTMLTemplateElement;
  readonly #base: URL;
  readonly #entry: Entry;
  readonly #cards = new Map<string, Card>();
  readonly #histories = new Map<string, History>();
  readonly #byElement = new WeakMap<Element, Card>();
  readonly #scaler = new Scaler();
  readonly #inView: IntersectionObserver;
  readonly #sizes: ResizeObserver;
  readonly #palette: Palette;
  #isAway = false;
  #backMs = -Infinity;
  #request = 0;

  /** For cards made of `template`, of the relay at `base`, which `entry` lets the page into. */
  constructor(list: HTMLElement, template: HTMLTemplateElement, base: URL, entry: Entry) {
    this.#list = list;
    this.#template = template;
    this.#base = base;
    this.#entry = entry;
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
    // Whoever comes back may have lost the right to watch: the relay's next answer tells.
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#allow();
      else this.#drawSoon();
    });
  }

  /** How many streams this page watches. */
  get watching(): number {
    return [...this.#cards.values()].filter(({ isWatching }) => isWatching).length;
  }

  /** Bytes a second that leave the relay for viewers, in all. */
  get sentPerSecond(): number {
    return [...this.#cards.values()].reduce((sum, card) => sum + card.history.sentPerSecond(), 0);
  }

  /** The names of the streams that are shown. */
  get names(): string[] {
    return [...this.#cards.keys()];
  }

  /** Shows the streams of an answer: each in its own card, new ones at their places. */
  update(statuses: readonly Status[]): void {
    const nowMs = performance.now();
    this.#setAway(false, nowMs);
    const names = new Set(statuses.map(({ name }) => name));
    for (const [name, card] of this.#cards) if (!names.has(name)) this.#miss(card, nowMs);
    let place: Element | null = this.#list.firstElementChild;
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
  leave(): void {
    this.#setAway(true, performance.now());
    for (const card of this.#cards.values()) card.setAway(true);
  }

  /** The page has other rights: what it has by the old ones ends, and begins anew with the next answer. */
  renew(): void {
    this.leave();
    for (const card of this.#cards.values()) card.renew();
  }

  #setAway(isAway: boolean, nowMs: number): void {
    if (this.#isAway && !isAway) this.#backMs = nowMs;
    this.#isAway = isAway;
    this.#allow();
  }

  #allow(): void {
    const mayWatch = !this.#isAway && !document.hidden;
    for (const card of this.#cards.values()) card.allow(mayWatch);
    if (mayWatch) this.#drawSoon();
  }

  #create(status: Status): Card {
    const { name } = status;
    const history = this.#histories.get(name) ?? new History();
    this.#histories.set(name, history);
    const card = new Card({
      template: this.#template,
      status,
      history,
      base: this.#base,
      entry: this.#entry,
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

  /** A stream is not in the answer. */
  #miss(card: Card, nowMs: number): void {
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

  #nameAt(element: Element): string {
    return this.#byElement.get(element)?.name ?? "";
  }

  /** Draws the charts that are in view before the screen is next painted. */
  #drawSoon(): void {
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

/** The colours of charts, as the page has them. */
function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element);
  // A property that is not registered keeps its `light-dark()`: colours are resolved by `color`s.
  return {
    fps: style.color,
    bits: style.borderTopColor,
    drops: style.borderRightColor,
    line: style.borderBottomColor,
  };
}
