/**
 * One stream in the list: its picture, figures, chart and frame rate.
 *
 * @module
 */
import type { Entry } from "./entry.ts";
import { part } from "./elements.ts";
import { figures } from "./figures.ts";
import type { History } from "./history.ts";
import { describeChart, drawShape, type Palette, shapeOf } from "./history_chart.ts";
import { PeerControl } from "./peer_control.ts";
import { RateControl } from "./rate_control.ts";
import { stateOf } from "./sentences.ts";
import type { Status } from "./status.ts";
import { type Scaler, Thumbnail } from "./thumbnail.ts";

/** How long a card has to be in view, or out of it, before its picture begins or ends. */
const COME_MS = 120;
const LEAVE_MS = 2000;

const FIGURES = ["fps", "bits", "viewers", "queue", "latency", "dropped"] as const;

/** A card, which stays the same element for as long as its stream is there. */
export class Card {
  readonly element: HTMLElement;
  readonly history: History;
  readonly #picture: HTMLElement;
  readonly #sentence: HTMLElement;
  readonly #badge: HTMLElement;
  readonly #kind: HTMLElement;
  readonly #reasons: HTMLElement;
  readonly #figures: Map<(typeof FIGURES)[number], HTMLElement>;
  readonly #chart: HTMLCanvasElement;
  readonly #rate: RateControl;
  readonly #peers: PeerControl;
  readonly #thumbnail: Thumbnail;
  #status: Status;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isInView = false;
  #mayWatch = false;
  #isAway = false;

  constructor({ template, status, history, base, entry, scaler }: {
    readonly template: HTMLTemplateElement;
    readonly status: Status;
    readonly history: History;
    /** The relay's address. */
    readonly base: URL;
    readonly entry: Entry;
    readonly scaler: Scaler;
  }) {
    const root = template.content.cloneNode(true) as DocumentFragment;
    this.element = part(root, ".card", HTMLElement);
    this.history = history;
    this.#status = status;
    this.#picture = part(root, ".picture", HTMLElement);
    this.#sentence = part(root, ".sentence", HTMLElement);
    this.#badge = part(root, ".badge", HTMLElement);
    this.#kind = part(root, ".kind", HTMLElement);
    this.#reasons = part(root, ".reasons", HTMLElement);
    this.#figures = new Map(
      FIGURES.map((name) => [name, part(root, `[data-figure="${name}"]`, HTMLElement)]),
    );
    this.#chart = part(root, ".chart", HTMLCanvasElement);

    const { name } = status;
    const path = encodeURIComponent(name);
    const page = new URL(path, base);
    const link = part(root, ".name", HTMLAnchorElement);
    link.textContent = name;
    link.href = page.href;
    part(root, "a.picture", HTMLAnchorElement).href = page.href;
    part(root, "input", HTMLElement).setAttribute("aria-label", `Frames a second of ${name}`);
    const api = { url: new URL(`api/streams/${path}`, base), ask: entry.fetch.bind(entry) };
    this.#peers = new PeerControl(part(root, ".peers", HTMLDetailsElement), { name, ...api });
    this.#rate = new RateControl(part(root, ".rate", HTMLElement), {
      ...api,
      onChanged: (changed) => this.update(changed),
    });
    this.#thumbnail = new Thumbnail({
      url: page.href.replace(/^http/, "ws"),
      token: () => entry.token(),
      canvas: part(root, ".picture canvas", HTMLCanvasElement),
      scaler,
      onChange: () => this.#showState(),
    });
    this.update(status);
  }

  /** The stream's name. */
  get name(): string {
    return this.#status.name;
  }

  /** The last status. */
  get status(): Status {
    return this.#status;
  }

  /** Whether this page is among the stream's viewers. */
  get isWatching(): boolean {
    return this.#thumbnail.isWatching;
  }

  get isInView(): boolean {
    return this.#isInView;
  }

  /** Shows the numbers of now. */
  update(status: Status): void {
    this.#status = status;
    const texts = figures(status, { viewersHere: this.isWatching ? 1 : 0 });
    for (const [name, place] of this.#figures) write(place, texts[name]);
    write(this.#kind, texts.kind);
    write(this.#reasons, texts.reasons);
    const hasLoss = texts.dropped !== "0";
    this.#figures.get("dropped")?.classList.toggle("is-loss", hasLoss);
    this.#rate.show(status.fps);
    this.#peers.show(status);
    this.#showState();
    this.#watch();
  }

  /** Whether pictures may come at all: the page is seen, and the relay is there. */
  allow(mayWatch: boolean): void {
    if (this.#mayWatch === mayWatch) return;
    this.#mayWatch = mayWatch;
    this.#watch();
  }

  /** The card has come into view, or left it. */
  scrolled(isInView: boolean): void {
    if (this.#isInView === isInView) return;
    this.#isInView = isInView;
    clearTimeout(this.#timer);
    // Cards that fly by are not worth a connection.
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#watch();
    }, isInView ? COME_MS : LEAVE_MS);
  }

  /** What this page may do has to be found out again. */
  renew(): void {
    this.#peers.renew();
  }

  /** The relay does not answer, or the stream may be gone: what is shown is not of now. */
  setAway(isAway: boolean): void {
    this.#isAway = isAway;
    this.element.classList.toggle("is-away", isAway);
    this.#showState();
  }

  /** Gives the chart as many pixels as it takes on the screen. */
  resize(width: number, height: number): void {
    if (this.#chart.width === width && this.#chart.height === height) return;
    this.#chart.width = width;
    this.#chart.height = height;
  }

  /** Draws the chart. */
  draw(palette: Palette, nowMs: number): void {
    const { samples } = this.history;
    drawShape(this.#chart, shapeOf(samples, { nowMs, fps: this.#status.fps }), palette);
    const words = describeChart(samples);
    if (this.#chart.ariaLabel !== words) this.#chart.ariaLabel = words;
  }

  get chart(): HTMLCanvasElement {
    return this.#chart;
  }

  /** Leaves the stream. */
  close(): void {
    clearTimeout(this.#timer);
    this.#thumbnail.close();
  }

  #watch(): void {
    if (this.#mayWatch && this.#isInView && this.#timer === undefined) this.#peers.look();
    // A viewer keeps a stream alive: one that nobody publishes is left alone.
    const isWanted = this.#mayWatch && this.#isInView && this.#status.isPublishing;
    if (!isWanted && (this.#timer === undefined || !this.#mayWatch)) this.#thumbnail.close();
    else if (isWanted && this.#timer === undefined) this.#thumbnail.open();
  }

  #showState(): void {
    const { isPublishing } = this.#status;
    const { phase, lost, hasPicture, unsupported, damaged } = this.#thumbnail;
    const { kind, sentence, isStale } = stateOf({
      name: this.#status.name,
      connection: isPublishing && lost === undefined ? phase : "open",
      lost: isPublishing ? lost : undefined,
      isOnline: navigator.onLine,
      isPublishing,
      hasEnded: false,
      isSilent: true,
      hasPicture,
      isFresh: hasPicture,
      needsKey: false,
      unsupported,
      damaged,
    });
    // A connection that comes about shortly is not worth words; of the relay the page tells once.
    const isQuiet = kind === "connecting" || kind === "playing" || this.#isAway;
    write(this.#sentence, isQuiet ? "" : sentence);
    write(this.#badge, isPublishing ? "Live" : "No publisher");
    this.#badge.dataset.kind = isPublishing ? "playing" : "waiting";
    this.#picture.classList.toggle("is-stale", isStale && !isQuiet);
  }
}

/** Writes only what has changed, so that nothing is laid out anew without need. */
function write(place: HTMLElement, text: string): void {
  if (place.textContent !== text) place.textContent = text;
}
